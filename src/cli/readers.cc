#include "cli/readers.h"

#include "cli/duration.h"

namespace kite::cli {

sys::Error wrong(const RawValue& value, const std::string& problem) {
  return {value.origin + " is " + quoted(value.text) + ": " + problem};
}

sys::Error empty(const RawValue& value, const std::string& remedy) {
  return {value.origin + " is empty: " + remedy};
}

std::string such_as(const RawValue& value, std::string_view example) {
  return "such as " + value.origin + "=" + std::string(example);
}

Problem read_duration(const RawValue& value, std::string_view text, const DurationRule& rule,
                      std::chrono::milliseconds& out) {
  const auto duration = parse_duration(text);
  if (!duration) {
    return wrong(
        value, "a duration is a number and a unit (ms, s, m, h), " + such_as(value, rule.example));
  }
  if (*duration < rule.least || *duration > rule.most) {
    return wrong(value, "give a duration from " + duration_text(rule.least) + " to " +
                            duration_text(rule.most) + ", " + such_as(value, rule.example));
  }
  out = std::chrono::round<std::chrono::milliseconds>(*duration);
  return std::nullopt;
}

}  // namespace kite::cli
