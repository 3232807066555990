#include "cli/flags.h"

#include <algorithm>

namespace kite::cli {

namespace {

constexpr size_t kQuotedBytesMax = 80;

const FlagSpec* find_spec(std::string_view name) {
  for (const FlagSpec& spec : flag_specs()) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

/// Edits that turn `a` into `b`: insert, remove, replace, swap neighbours (the restricted
/// Damerau-Levenshtein distance). Swaps count once because they are the commonest slip.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_back(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_back[j - 2] + 1);
      }
    }
    two_back.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

/// The flag that was probably meant; null when nothing is close.
const FlagSpec* nearest_spec(std::string_view name) {
  constexpr size_t kNameBytesMax = 40;  // keeps the table of distances small
  if (name.size() > kNameBytesMax) return nullptr;
  const FlagSpec* nearest = nullptr;
  size_t nearest_distance = SIZE_MAX;
  for (const FlagSpec& spec : flag_specs()) {
    const size_t distance = edit_distance(name, spec.name);
    // A third of the letters: "-prot" is a slip for "-port", "-hold" is none for "-help".
    const size_t tolerated = std::max<size_t>(1, spec.name.size() / 3);
    if (distance <= tolerated && distance < nearest_distance) {
      nearest = &spec;
      nearest_distance = distance;
    }
  }
  return nearest;
}

sys::Error unknown_flag(std::string_view name) {
  std::string message = "unknown flag " + quoted("-" + std::string(name));
  const std::string lower = [&] {
    std::string copy(name);
    for (char& c : copy) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    std::replace(copy.begin(), copy.end(), '_', '-');
    return copy;
  }();
  const FlagSpec* nearest = nearest_spec(lower);
  if (nearest != nullptr) {
    message += "; did you mean -" + std::string(nearest->name) + "?";
  } else {
    message += ": remove it, or check its spelling";
  }
  return {message};
}

sys::Error not_a_boolean(const RawValue& value) {
  return {value.origin + " is " + quoted(value.text) +
          ": write true or false (also 1, 0, t, f), such as " + value.origin + "=true"};
}

/// What an argument that does not start a flag most likely was.
sys::Error stray_argument(std::string_view arg, const FlagSpec* previous) {
  std::string message = "unexpected argument " + quoted(arg) + ": ";
  if (previous != nullptr && previous->placeholder.empty() && parse_boolean(arg)) {
    const std::string flag = "-" + std::string(previous->name);
    message += flag + " takes its value after '=', so write " + flag + "=" + std::string(arg);
  } else {
    message += "there are only flags, such as -name=app";
  }
  return {message};
}

/// Reads arguments one flag at a time.
class ArgumentReader {
 public:
  explicit ArgumentReader(std::span<const std::string> args) : args_(args) {}

  sys::Result<RawFlags> read() {
    while (next_ < args_.size()) {  // ends: each round takes at least one argument
      if (auto step = read_one(); !step.ok()) return step.error();
      if (raw_.is_true(FlagId::help) || raw_.is_true(FlagId::version)) break;
    }
    return std::move(raw_);
  }

 private:
  sys::Result<sys::Done> read_one() {
    const std::string& arg = args_[next_++];
    const size_t dashes = arg.starts_with("--") ? 2 : 1;
    if (arg.size() < 2 || arg.front() != '-' || arg == "--") {
      return stray_argument(arg, previous_);
    }
    std::string_view name = std::string_view(arg).substr(dashes);
    const size_t equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string value(has_value ? name.substr(equals + 1) : "");
    name = name.substr(0, equals);
    if (name.empty() || name.front() == '-') {
      return sys::Error{"bad flag syntax " + quoted(arg) + ": write -flag=value"};
    }
    const FlagSpec* spec = find_spec(name == "h" ? "help" : name);
    if (spec == nullptr) return unknown_flag(name);
    previous_ = spec;
    const std::string origin = "-" + std::string(spec->name);
    if (spec->placeholder.empty()) {
      if (!has_value) value = "true";
      if (!parse_boolean(value)) return not_a_boolean({value, origin});
    } else if (!has_value) {
      if (next_ == args_.size()) {
        return sys::Error{origin + " needs a value: write " + origin + "=" +
                          std::string(spec->placeholder)};
      }
      value = args_[next_++];
    }
    raw_.add(spec->id, {std::move(value), origin});
    return sys::Done{};
  }

  std::span<const std::string> args_;
  size_t next_ = 0;
  const FlagSpec* previous_ = nullptr;
  RawFlags raw_;
};

}  // namespace

std::string environment_name(const FlagSpec& spec) {
  std::string name = "KITE_";
  for (const char c : spec.name) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

bool RawFlags::is_true(FlagId id) const {
  const RawValue* value = last(id);
  return value != nullptr && parse_boolean(value->text).value_or(false);
}

sys::Result<RawFlags> read_flags(std::span<const std::string> args,
                                 const sys::Environment& environment) {
  auto from_args = ArgumentReader(args).read();
  if (!from_args.ok()) return from_args;
  RawFlags& raw = from_args.value();
  if (raw.is_true(FlagId::help) || raw.is_true(FlagId::version)) return from_args;
  for (const FlagSpec& spec : flag_specs()) {
    if (raw.has(spec.id)) continue;
    const std::string variable = environment_name(spec);
    const auto text = environment.get_non_empty(variable);
    if (!text) continue;
    const RawValue value{*text, variable};
    if (spec.placeholder.empty() && !parse_boolean(value.text)) return not_a_boolean(value);
    raw.add(spec.id, value);
  }
  return from_args;
}

std::optional<bool> parse_boolean(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "True", "TRUE"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "False", "FALSE"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text.substr(0, kQuotedBytesMax)) {
    const bool printable = c >= 0x20 && c < 0x7F;
    result += printable ? c : '?';
  }
  if (text.size() > kQuotedBytesMax) result += "...";
  return result + '"';
}

}  // namespace kite::cli
