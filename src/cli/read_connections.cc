#include "cli/duration.h"
#include "cli/readers.h"
#include "cli/text_rules.h"

namespace kite::cli {

namespace {

using std::chrono::milliseconds;

constexpr uint32_t kRetriesMax = 100;
constexpr milliseconds kConnectMin{1};
constexpr milliseconds kConnectMax = std::chrono::hours(1);

Problem read_connect_times(const RawFlags& raw, Config& config) {
  const RawValue* timeout = raw.last(FlagId::connect_timeout);
  const RawValue* deadline = raw.last(FlagId::connect_deadline);
  if (timeout != nullptr) {
    const DurationRule rule{kConnectMin, kConnectMax, "1s"};
    if (auto problem = read_duration(*timeout, timeout->text, rule, config.connect_timeout)) {
      return problem;
    }
  }
  if (deadline != nullptr) {
    const DurationRule rule{kConnectMin, kConnectMax, "10s"};
    if (auto problem = read_duration(*deadline, deadline->text, rule, config.connect_deadline)) {
      return problem;
    }
  }
  if (config.connect_deadline >= config.connect_timeout) return std::nullopt;
  const std::string need = "all attempts together (-connect-deadline, now " +
                           duration_text(config.connect_deadline) +
                           ") need at least the time of one (-connect-timeout, now " +
                           duration_text(config.connect_timeout) + ")";
  return deadline != nullptr ? wrong(*deadline, need) : wrong(*timeout, need);
}

Problem read_retries(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::retries);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_number(value->text);
  if (!number || *number > kRetriesMax) {
    return wrong(*value, "give a number from 0 to " + std::to_string(kRetriesMax) + ", " +
                             such_as(*value, "3"));
  }
  config.retries = *number;
  return std::nullopt;
}

}  // namespace

Problem read_connections(const RawFlags& raw, Config& config) {
  for (const auto step : {read_connect_times, read_retries}) {
    if (auto problem = step(raw, config)) return problem;
  }
  return std::nullopt;
}

}  // namespace kite::cli
