#include "cli/duration.h"
#include "cli/readers.h"
#include "cli/text_rules.h"

namespace kite::cli {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kWaitMax = hours(1);
// Shorter ones would cut connections within a pause of a congested network.
constexpr milliseconds kIdleMin = milliseconds(100);
constexpr milliseconds kIdleMax = hours(24 * 30);
constexpr milliseconds kUserTimeoutMin = seconds(1);
// tcp(7): TCP_KEEPIDLE and TCP_KEEPINTVL end at 32767 s, TCP_KEEPCNT at 127.
constexpr milliseconds kProbeMin = seconds(1);
constexpr milliseconds kProbeMax = hours(9);
constexpr uint32_t kProbesMax = 127;
constexpr uint32_t kConnectionsMax = 10'000'000;

/// A duration from 0 on.
Problem read_wait(const RawFlags& raw, FlagId id, const char* example, milliseconds& out) {
  const RawValue* value = raw.last(id);
  if (value == nullptr) return std::nullopt;
  return read_duration(*value, value->text, {milliseconds(0), kWaitMax, example}, out);
}

/// "off" or a duration; off is 0.
Problem read_or_off(const RawFlags& raw, FlagId id, const DurationRule& rule, milliseconds& out) {
  const RawValue* value = raw.last(id);
  if (value == nullptr) return std::nullopt;
  out = milliseconds(0);
  if (value->text == "off") return std::nullopt;
  return read_duration(*value, value->text, rule, out);
}

Problem read_hold(const RawFlags& raw, Config& config) {
  return read_wait(raw, FlagId::hold, "10s", config.hold);
}

Problem read_drain(const RawFlags& raw, Config& config) {
  return read_wait(raw, FlagId::drain_timeout, "25s", config.drain_timeout);
}

Problem read_idle_timeout(const RawFlags& raw, Config& config) {
  return read_or_off(raw, FlagId::idle_timeout, {kIdleMin, kIdleMax, "1h"}, config.idle_timeout);
}

Problem read_user_timeout(const RawFlags& raw, Config& config) {
  return read_or_off(raw, FlagId::tcp_user_timeout, {kUserTimeoutMin, hours(24), "2m"},
                     config.liveness.unacknowledged_max);
}

/// Takes what stands before the next comma off `rest`.
std::string_view take_part(std::string_view& rest) {
  const size_t comma = rest.find(',');
  const std::string_view part = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return part;
}

Problem read_keepalive(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::keepalive);
  if (value == nullptr) return std::nullopt;
  if (value->text == "off") {
    config.liveness.probe_after = seconds(0);
    return std::nullopt;
  }
  const DurationRule rule{kProbeMin, kProbeMax, "60s,15s,4"};
  std::string_view rest = value->text;
  milliseconds after{};
  milliseconds interval = config.liveness.probe_interval;
  if (auto problem = read_duration(*value, take_part(rest), rule, after)) return problem;
  if (!rest.empty()) {
    if (auto problem = read_duration(*value, take_part(rest), rule, interval)) return problem;
  }
  if (!rest.empty()) {
    const auto probes = parse_number(rest);
    if (!probes || *probes == 0 || *probes > kProbesMax) {
      return wrong(*value, "the third part is how many probes may stay unanswered, 1 to " +
                               std::to_string(kProbesMax) + ", " + such_as(*value, rule.example));
    }
    config.liveness.probes = static_cast<int>(*probes);
  }
  config.liveness.probe_after = std::chrono::round<seconds>(after);
  config.liveness.probe_interval = std::chrono::round<seconds>(interval);
  return std::nullopt;
}

Problem read_removed(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::removed);
  if (value == nullptr) return std::nullopt;
  config.removed_grace.reset();
  if (value->text == "keep") return std::nullopt;
  constexpr std::string_view kClose = "close=";
  if (!value->text.starts_with(kClose)) {
    return wrong(*value, "write keep, or close= and how long they may go on, " +
                             such_as(*value, "close=30s"));
  }
  milliseconds grace{};
  const std::string_view text = std::string_view(value->text).substr(kClose.size());
  const DurationRule rule{milliseconds(0), hours(24), "close=30s"};
  if (auto problem = read_duration(*value, text, rule, grace)) return problem;
  config.removed_grace = grace;
  return std::nullopt;
}

Problem read_max_connections(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::max_connections);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_number(value->text);
  if (!number || *number == 0 || *number > kConnectionsMax) {
    return wrong(*value, "give a number from 1 to " + std::to_string(kConnectionsMax) + ", " +
                             such_as(*value, "1000"));
  }
  config.max_connections = *number;
  return std::nullopt;
}

Problem read_proxy_protocol(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::proxy_protocol);
  if (value == nullptr) return std::nullopt;
  if (value->text == "off") {
    config.proxy_protocol = ProxyProtocol::off;
  } else if (value->text == "v1") {
    config.proxy_protocol = ProxyProtocol::v1;
  } else if (value->text == "v2") {
    config.proxy_protocol = ProxyProtocol::v2;
  } else {
    return wrong(*value, "write off, v1 or v2, " + such_as(*value, "v2"));
  }
  return std::nullopt;
}

}  // namespace

Problem read_limits(const RawFlags& raw, Config& config) {
  for (const auto step : {read_hold, read_idle_timeout, read_keepalive, read_user_timeout,
                          read_removed, read_max_connections, read_proxy_protocol, read_drain}) {
    if (auto problem = step(raw, config)) return problem;
  }
  return std::nullopt;
}

}  // namespace kite::cli
