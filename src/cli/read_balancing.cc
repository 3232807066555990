#include <string>

#include "cli/readers.h"
#include "cli/text_rules.h"

namespace kite::cli {

namespace {

using std::chrono::milliseconds;

constexpr uint32_t kEjectAfterMax = 1000;

Problem read_slow_start(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::slow_start);
  if (value == nullptr) return std::nullopt;
  const DurationRule rule{milliseconds(0), std::chrono::hours(1), "10s"};
  return read_duration(*value, value->text, rule, config.slow_start);
}

Problem read_eject_after(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::eject_after);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_number(value->text);
  if (!number || *number > kEjectAfterMax) {
    return wrong(*value, "give a number of failures from 1 to " + std::to_string(kEjectAfterMax) +
                             ", or 0 for never, " + such_as(*value, "3"));
  }
  config.eject_after = *number;
  return std::nullopt;
}

}  // namespace

Problem read_balancing(const RawFlags& raw, Config& config) {
  config.zone_aware = raw.is_true(FlagId::zone_aware);
  config.eject_on_reset = raw.is_true(FlagId::eject_on_reset);
  if (auto problem = read_slow_start(raw, config)) return problem;
  return read_eject_after(raw, config);
}

}  // namespace kite::cli
