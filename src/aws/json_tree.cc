#include "aws/json_tree.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "sys/check.h"

namespace kite::aws {

namespace {

std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

/// The text that stands between quotes at the start of `text`, if that is also what it means:
/// printable ASCII without escapes, as nearly all are. Nothing otherwise.
std::optional<std::string_view> plain_text(std::string_view text) {
  if (!text.starts_with('"')) return std::nullopt;
  size_t i = 1;
  while (i < text.size() && text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\') {
    ++i;
  }
  if (i >= text.size() || text[i] != '"') return std::nullopt;
  return text.substr(1, i - 1);
}

/// What follows the colon after a member's name; empty without one.
std::string_view after_colon(std::string_view text) {
  text = without_blanks(text);
  return text.starts_with(':') ? without_blanks(text.substr(1)) : std::string_view();
}

/// Where the text that begins with the quote at `begin` has its other one; the size without one.
size_t end_of_text(std::string_view text, size_t begin) {
  size_t end = begin;
  for (;;) {  // ends: `end` only grows
    end = text.find('"', end + 1);
    if (end == std::string_view::npos) return text.size();
    size_t escapes = 0;  // an odd number of them means the quote
    while (text[end - 1 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) return end;
  }
}

/// Bytes of a member's value with all that is inside it; 0 if there is none, it has no end or is
/// nested deeper than `depth_max`. Looks at nothing else.
size_t value_bytes(std::string_view value, size_t depth_max) {
  size_t depth = 0;
  for (size_t i = 0; i < value.size(); ++i) {  // ends: i only grows
    switch (value[i]) {
      case '"':
        i = end_of_text(value, i);
        break;
      case '[':
      case '{':
        if (++depth > depth_max) return 0;
        break;
      case ']':
      case '}':
        if (depth == 0) return i;
        --depth;
        break;
      case ',':
        if (depth == 0) return i;
        break;
      default:
        break;
    }
  }
  return 0;
}

/// The text as the library's parser is fed it. What is not wanted, and what is easily read, does
/// not go through the parser, which takes several times as long for a byte.
class JsonInput {
 public:
  explicit JsonInput(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char current() const { return rest_.front(); }
  void advance() {
    rest_.remove_prefix(1);
    if (rest_.empty()) rest_ = std::exchange(after_stub_, {});
  }

  std::string_view rest() const { return rest_; }
  void go_on_with(std::string_view rest) { rest_ = rest; }
  /// In place of a member's colon and value the parser reads a number, then goes on with `after`.
  void put_stub(std::string_view after) {
    rest_ = ":0 ";  // the blank: what follows must not become a part of the number
    after_stub_ = after;
  }

 private:
  std::string_view rest_;
  std::string_view after_stub_;  ///< what follows rest_ while that is a stub
};

/// What the library asks of an iterator. All copies stand at the same place.
class JsonInputIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  /// The end.
  JsonInputIterator() = default;
  explicit JsonInputIterator(JsonInput& input) : input_(&input) {}

  char operator*() const { return input_->current(); }
  JsonInputIterator& operator++() {
    input_->advance();
    return *this;
  }
  bool operator!=(const JsonInputIterator& /*end*/) const { return !input_->at_end(); }
  bool operator==(const JsonInputIterator& /*end*/) const { return input_->at_end(); }

 private:
  JsonInput* input_ = nullptr;
};

/// Takes the parser's events; the names of its methods are the library's.
/// Invariant: open_ holds the indices of the objects and arrays that have begun and not ended.
class TreeBuilder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  TreeBuilder(JsonInput& input, const JsonDocument::OnItem& on_item, JsonTree& tree)
      : input_(input), on_item_(on_item), tree_(tree) {}

  /// Why the text was refused, or null.
  const char* refusal() const { return refusal_; }

  bool null() { return add_scalar(JsonKind::null); }
  bool boolean(bool value) { return add_scalar(JsonKind::boolean, value ? 1 : 0); }
  bool number_integer(number_integer_t value) { return add_scalar(JsonKind::integer, value); }
  bool number_unsigned(number_unsigned_t value) {
    if (std::exchange(at_stub_, false)) return true;
    const bool fits = value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return fits ? add_scalar(JsonKind::integer, static_cast<int64_t>(value))
                : add_scalar(JsonKind::other_number);
  }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) {
    return add_scalar(JsonKind::other_number);
  }
  bool string(string_t& value) { return add_text(value); }
  bool binary(binary_t& /*value*/) { return false; }  // JSON has none

  bool start_object(size_t /*count*/) { return open(JsonKind::object); }
  bool start_array(size_t /*count*/) { return open(JsonKind::array) && take_plain_texts(); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(string_t& name) { return take_members(name); }

  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) {
    return false;
  }

 private:
  static constexpr size_t kListDepth = 2;  ///< inside a member of the root
  static constexpr size_t kQuotes = 2;

  bool add(JsonKind kind) {
    if (tree_.nodes.size() == JsonDocument::kValuesMax) return refuse("it holds too many values");
    JsonTree::Node node;
    node.kind = kind;
    node.name = name_;
    node.end = static_cast<uint32_t>(tree_.nodes.size()) + 1;
    tree_.nodes.push_back(node);
    return true;
  }
  bool add_scalar(JsonKind kind, int64_t value = 0) {
    if (!add(kind)) return false;
    tree_.nodes.back().integer = value;
    return close_item();
  }

  bool add_text(std::string_view text) {
    if (!add(JsonKind::text)) return false;
    tree_.nodes.back().text = {static_cast<uint32_t>(tree_.texts.size()),
                               static_cast<uint32_t>(text.size())};
    tree_.texts += text;
    return close_item();
  }

  /// Whether the member is wanted; then the next node is it.
  bool find_name(std::string_view name) {
    const auto found = std::find(tree_.names.begin(), tree_.names.end(), name);
    name_ = static_cast<uint8_t>(found - tree_.names.begin());
    return found != tree_.names.end();
  }

  /// After a member's name: takes the value if it is a plain text, steps over it if it is not
  /// wanted, and does the same with the members that follow. Anything else is left to the parser.
  bool take_members(std::string_view name) {
    std::string_view value = after_colon(input_.rest());
    std::optional<std::string_view> rest;  // what follows the last member that was dealt with
    for (;;) {                             // ends: the rest gets shorter
      const bool wanted = find_name(name);
      const auto text = wanted ? plain_text(value) : std::nullopt;
      if (wanted && !text.has_value()) break;
      if (text.has_value()) {
        if (!add_text(*text)) return false;
        value.remove_prefix(text->size() + kQuotes);
      } else {
        const size_t bytes = value_bytes(value, JsonDocument::kDepthMax - open_.size());
        if (bytes == 0) return refuse("a value is missing, cut off or nested too deeply");
        value.remove_prefix(bytes);
      }
      rest = value;
      if (!value.starts_with(',')) break;
      const std::string_view next = without_blanks(value.substr(1));
      const auto next_name = plain_text(next);
      if (!next_name.has_value()) break;
      name = *next_name;
      value = after_colon(next.substr(name.size() + kQuotes));
    }
    if (rest.has_value()) put_stub(*rest);
    return true;
  }

  /// After the start of an array: takes the plain texts that are followed by another text. The last
  /// one is left to the parser, which knows how an array may end.
  bool take_plain_texts() {
    std::string_view rest = input_.rest();
    for (;;) {  // ends: the rest gets shorter
      const std::string_view value = without_blanks(rest);
      const auto text = plain_text(value);
      if (!text.has_value()) break;
      const std::string_view after = without_blanks(value.substr(text->size() + kQuotes));
      if (!after.starts_with(',') || !without_blanks(after.substr(1)).starts_with('"')) break;
      if (!add_text(*text)) return false;
      rest = after.substr(1);
    }
    input_.go_on_with(rest);
    return true;
  }

  void put_stub(std::string_view after) {
    input_.put_stub(after);
    at_stub_ = true;
  }

  bool open(JsonKind kind) {
    if (open_.size() == JsonDocument::kDepthMax) return refuse("it is nested too deeply");
    open_.push_back(static_cast<uint32_t>(tree_.nodes.size()));
    if (open_.size() == kListDepth) texts_before_list_ = tree_.texts.size();
    return add(kind);
  }
  bool close() {
    tree_.nodes[open_.back()].end = static_cast<uint32_t>(tree_.nodes.size());
    open_.pop_back();
    return close_item();
  }

  /// A value is whole: if it is an item to be handed over, it is, and its room is free again.
  bool close_item() {
    if (on_item_ == nullptr || open_.size() != kListDepth) return true;
    const JsonTree::Node& list = tree_.nodes[open_.back()];
    if (list.kind != JsonKind::array || tree_.nodes[0].kind != JsonKind::object) return true;
    const uint32_t item = open_.back() + 1;
    on_item_(tree_.names[list.name], {&tree_, item});
    tree_.nodes.resize(item);
    tree_.texts.resize(texts_before_list_);
    return true;
  }

  bool refuse(const char* reason) {
    refusal_ = reason;
    return false;
  }

  JsonInput& input_;
  const JsonDocument::OnItem& on_item_;
  JsonTree& tree_;
  std::vector<uint32_t> open_;
  size_t texts_before_list_ = 0;
  uint8_t name_ = 0;
  bool at_stub_ = false;  ///< the next number stands for a value that is dealt with
  const char* refusal_ = nullptr;
};

}  // namespace

sys::Result<sys::Done> read_json(std::string_view text, const JsonDocument::OnItem& on_item,
                                 JsonTree& tree) {
  const std::string unusable = "the answer is not usable JSON: ";
  if (text.find('\0') != std::string_view::npos) {  // which the parser takes for the end
    return sys::Error{unusable + "it holds a zero byte"};
  }
  KITE_CHECK(tree.names.size() <= UINT8_MAX, "a node has one byte for its name");
  JsonInput input(text);
  TreeBuilder builder(input, on_item, tree);
  const bool read =
      nlohmann::json::sax_parse(JsonInputIterator(input), JsonInputIterator(), &builder);
  if (builder.refusal() != nullptr) return sys::Error{unusable + builder.refusal()};
  if (!read) return sys::Error{"the answer is not JSON"};
  return sys::Done{};
}

}  // namespace kite::aws
