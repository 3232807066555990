#include "cli/readers.h"

namespace kite::cli {

Problem read_commands(const RawFlags& raw, Config& config) {
  config.json = raw.is_true(FlagId::json);
  const RawValue* value = raw.last(FlagId::timeout);
  if (value == nullptr || value->text == "off") return std::nullopt;
  const DurationRule rule{std::chrono::seconds(1), std::chrono::hours(24), "30s"};
  std::chrono::milliseconds timeout{};
  if (auto problem = read_duration(*value, value->text, rule, timeout)) return problem;
  config.timeout = timeout;
  return std::nullopt;
}

}  // namespace kite::cli
