#include "aws/json_value.h"

#include <utility>

#include "aws/json_tree.h"

namespace kite::aws {

namespace {

using Node = JsonTree::Node;

/// Null for the nothing that no tree holds.
const Node* node_at(const JsonTree* tree, uint32_t index) {
  return tree == nullptr ? nullptr : &tree->nodes[index];
}

bool has_kind(const Node* node, JsonKind kind) {
  return node != nullptr && node->kind == kind;
}

}  // namespace

bool JsonValue::is_object() const {
  return has_kind(node_at(tree_, index_), JsonKind::object);
}
bool JsonValue::is_array() const {
  return has_kind(node_at(tree_, index_), JsonKind::array);
}
bool JsonValue::is_string() const {
  return has_kind(node_at(tree_, index_), JsonKind::text);
}
bool JsonValue::is_nothing() const {
  return tree_ == nullptr || has_kind(node_at(tree_, index_), JsonKind::null);
}

JsonValue JsonValue::member(std::string_view name) const {
  JsonValue found;
  if (!is_object()) return found;
  const uint32_t end = tree_->nodes[index_].end;
  for (uint32_t i = index_ + 1; i < end; i = tree_->nodes[i].end) {
    if (tree_->names[tree_->nodes[i].name] == name) found = {tree_, i};
  }
  return found;
}

JsonValue::Iterator JsonValue::begin() const {
  return is_array() ? Iterator(tree_, index_ + 1) : Iterator(nullptr, 0);
}
JsonValue::Iterator JsonValue::end() const {
  return is_array() ? Iterator(tree_, tree_->nodes[index_].end) : Iterator(nullptr, 0);
}
JsonValue::Iterator& JsonValue::Iterator::operator++() {
  index_ = tree_->nodes[index_].end;
  return *this;
}
JsonValue JsonValue::first() const {
  return begin() == end() ? JsonValue() : *begin();
}

std::string_view JsonValue::text() const {
  if (!is_string()) return {};
  const Node::Place place = tree_->nodes[index_].text;
  return std::string_view(tree_->texts).substr(place.begin, place.bytes);
}

std::optional<int64_t> JsonValue::integer() const {
  const Node* node = node_at(tree_, index_);
  if (!has_kind(node, JsonKind::integer)) return std::nullopt;
  return node->integer;
}

bool JsonValue::truth() const {
  const Node* node = node_at(tree_, index_);
  return has_kind(node, JsonKind::boolean) && node->integer != 0;
}

JsonDocument::JsonDocument(std::unique_ptr<const JsonTree> tree) : tree_(std::move(tree)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

sys::Result<JsonDocument> JsonDocument::parse(std::string_view text, Names names) {
  return parse(text, names, nullptr);
}

sys::Result<JsonDocument> JsonDocument::parse(std::string_view text, Names names,
                                              const OnItem& on_item) {
  auto tree = std::make_unique<JsonTree>();
  tree->names = names;
  const auto outcome = read_json(text, on_item, *tree);
  if (!outcome.ok()) return outcome.error();
  return JsonDocument(std::move(tree));
}

}  // namespace kite::aws
