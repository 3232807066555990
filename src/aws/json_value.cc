#include "aws/json_value.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace kite::aws {
namespace {

/// Why the text may not be parsed, or null. Looks at brackets and commas only, before the parser
/// allocates anything: eight bytes of "[[[[[[[[" would become eight nested vectors.
const char* bound_exceeded(std::string_view text) {
  size_t depth = 0;
  size_t values = 1;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {  // ends: i only grows
    const char c = text[i];
    if (c == '\0') return "it holds a zero byte";  // which the parser takes for the end
    if (in_string) {
      if (c == '\\') ++i;  // whatever is escaped cannot end the string
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == ',' || c == ':' || c == '[' || c == '{') ++values;
    if (depth > JsonDocument::kDepthMax) return "it is nested too deeply";
    if (values > JsonDocument::kValuesMax) return "it holds too many values";
  }
  return nullptr;
}

}  // namespace

bool JsonValue::is_object() const {
  return value_ != nullptr && value_->is_object();
}
bool JsonValue::is_array() const {
  return value_ != nullptr && value_->is_array();
}
bool JsonValue::is_string() const {
  return value_ != nullptr && value_->is_string();
}
bool JsonValue::is_nothing() const {
  return value_ == nullptr || value_->is_null();
}

JsonValue JsonValue::member(std::string_view name) const {
  if (!is_object()) return {};
  const auto found = value_->find(name);
  return found == value_->end() ? JsonValue{} : JsonValue{&*found};
}

size_t JsonValue::size() const {
  return is_array() ? value_->size() : 0;
}

JsonValue JsonValue::at(size_t index) const {
  return index < size() ? JsonValue{&(*value_)[index]} : JsonValue{};
}

std::string JsonValue::text() const {
  const auto* text = value_ == nullptr ? nullptr : value_->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::optional<int64_t> JsonValue::integer() const {
  if (value_ == nullptr || !value_->is_number_integer()) return std::nullopt;
  if (const auto* number = value_->get_ptr<const nlohmann::json::number_unsigned_t*>()) {
    if (*number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(*number);
  }
  return *value_->get_ptr<const nlohmann::json::number_integer_t*>();
}

bool JsonValue::truth() const {
  const auto* flag = value_ == nullptr ? nullptr : value_->get_ptr<const bool*>();
  return flag != nullptr && *flag;
}

JsonDocument::JsonDocument(std::unique_ptr<nlohmann::json> document)
    : document_(std::move(document)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

sys::Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  if (const char* reason = bound_exceeded(text)) {
    return sys::Error{std::string("the answer is not usable JSON: ") + reason};
  }
  constexpr bool kAllowExceptions = false;
  auto document = std::make_unique<nlohmann::json>(
      nlohmann::json::parse(text.begin(), text.end(), nullptr, kAllowExceptions));
  if (document->is_discarded()) return sys::Error{"the answer is not JSON"};
  return JsonDocument(std::move(document));
}

}  // namespace kite::aws
