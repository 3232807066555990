#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "aws/json_value.h"
#include "sys/check.h"

namespace {

using kite::aws::JsonDocument;
using kite::aws::JsonValue;

constexpr std::string_view kNames[] = {"a", "bb", "tasks", "name"};

size_t depth_of(const nlohmann::json& value) {
  if (!value.is_structured()) return 0;
  size_t deepest = 0;
  for (const nlohmann::json& inner : value) deepest = std::max(deepest, depth_of(inner));
  return deepest + 1;
}

void check_same(const nlohmann::json& expected, JsonValue value) {
  KITE_CHECK(value.is_nothing() == expected.is_null(), "null is nothing");
  KITE_CHECK(value.is_object() == expected.is_object(), "objects are objects");
  KITE_CHECK(value.is_array() == expected.is_array(), "arrays are arrays");
  KITE_CHECK(value.is_string() == expected.is_string(), "texts are texts");
  if (expected.is_string()) {
    KITE_CHECK(value.text() == expected.get_ref<const std::string&>(), "texts are equal");
  }
  KITE_CHECK(value.truth() == (expected.is_boolean() && expected.get<bool>()), "true is true");
  const bool fits = expected.is_number_integer() &&
                    (!expected.is_number_unsigned() || expected.get<uint64_t>() <= INT64_MAX);
  KITE_CHECK(value.integer().has_value() == fits, "integers that fit are integers");
  if (fits) KITE_CHECK(*value.integer() == expected.get<int64_t>(), "integers are equal");
  if (expected.is_array()) {
    auto item = value.begin();
    for (const nlohmann::json& inner : expected) check_same(inner, *item), ++item;
    KITE_CHECK(item == value.end(), "an array has as many items");
  }
  if (!expected.is_object()) return;
  for (const std::string_view name : kNames) {
    const auto member = expected.find(name);
    if (member == expected.end()) {
      KITE_CHECK(value.member(name).is_nothing(), "absent is nothing");
    } else {
      check_same(*member, value.member(name));
    }
  }
}

}  // namespace

/// What the library's own tree makes of a text, ours makes of it too, for the members it keeps.
/// The reverse does not hold: ours does not look into what it steps over.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = JsonDocument::parse(text, kNames);
  size_t items = 0;
  const auto count = [&](std::string_view, JsonValue) { ++items; };
  const auto listed = JsonDocument::parse(text, kNames, count);
  KITE_CHECK(listed.ok() || !document.ok(), "handing items over refuses nothing");

  constexpr bool kAllowExceptions = false;
  const auto expected = nlohmann::json::parse(text, nullptr, kAllowExceptions);
  const bool usable = !expected.is_discarded() && text.find('\0') == std::string_view::npos &&
                      depth_of(expected) <= JsonDocument::kDepthMax &&
                      size <= JsonDocument::kValuesMax;
  if (!usable) return 0;
  KITE_CHECK(document.ok(), "what is JSON is taken");
  check_same(expected, document->root());
  return 0;
}
