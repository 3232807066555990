#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/environment.h"
#include "sys/result.h"

namespace kite::cli {

/// Every flag of this version, in the order -help shows them. A flag that does not work yet is not
/// here, so it is refused as unknown instead of being silently without effect.
enum class FlagId : uint8_t {
  name,
  family,
  service,
  namespace_name,
  cluster,
  tag,
  deployment,
  target,
  port,
  bind,
  public_addresses,
  balance,
  connect_timeout,
  connect_deadline,
  retries,
  hold,
  max_connections,
  idle_timeout,
  keepalive,
  tcp_user_timeout,
  removed,
  proxy_protocol,
  zone_aware,
  slow_start,
  eject_after,
  eject_on_reset,
  poll,
  cache,
  region,
  endpoint_ecs,
  endpoint_ec2,
  assume_role,
  external_id,
  log_level,
  log_format,
  access_log,
  json,
  timeout,
  admin,
  drain_timeout,
  sandbox,
  version,
  help,
};
constexpr size_t kFlagCount = static_cast<size_t>(FlagId::help) + 1;

/// Headings of -help.
enum class Topic : uint8_t {
  target,
  addresses,
  connections,
  discovery,
  logging,
  commands,
  program
};
constexpr size_t kTopicCount = static_cast<size_t>(Topic::program) + 1;
std::string_view topic_title(Topic topic);

/// All that is said about a flag, once: parsing, -help and the documentation's tests read it.
struct FlagSpec {
  FlagId id;
  Topic topic;
  std::string_view name;          ///< without the dash
  std::string_view placeholder;   ///< empty: a boolean, which needs no value
  std::string_view default_text;  ///< empty: no default, or off
  std::string_view help;          ///< one or two sentences without line breaks
};
std::span<const FlagSpec> flag_specs();
const FlagSpec& flag_spec(FlagId id);

/// "KITE_CONNECT_TIMEOUT" for "connect-timeout".
std::string environment_name(const FlagSpec& spec);

/// One value as it was written, and where: `origin` is "-port" or "KITE_PORT".
struct RawValue {
  std::string text;
  std::string origin;
};

/// What was given, by flag, not yet judged.
class RawFlags {
 public:
  /// `prefix` is what stands before a flag's name in messages.
  explicit RawFlags(std::string prefix = "-") : prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }
  void add(FlagId id, RawValue value) { slot(id).push_back(std::move(value)); }
  bool has(FlagId id) const { return !all(id).empty(); }
  /// In the order given.
  const std::vector<RawValue>& all(FlagId id) const { return values_[static_cast<size_t>(id)]; }
  /// The one that counts, as in Go: the last. Null when the flag was not given.
  const RawValue* last(FlagId id) const { return has(id) ? &all(id).back() : nullptr; }
  /// Of a boolean; false when it was not given.
  bool is_true(FlagId id) const;

 private:
  std::vector<RawValue>& slot(FlagId id) { return values_[static_cast<size_t>(id)]; }

  std::string prefix_;
  std::array<std::vector<RawValue>, kFlagCount> values_;
};

/// Reads Go's flag syntax (-name=x, --name=x, -name x; booleans take a value only after '='), then
/// takes what was not given from the environment. A variable set to nothing counts as not given, so
/// that a template may leave one empty. `args` is argv without the program's name. As in Go, -help
/// and -version end the reading: what stands behind them is not looked at.
/// Errors:    an unknown flag, an argument that is no flag, a missing value, a boolean that is
/// none. Source:    pkg.go.dev/flag, "Command line flag syntax".
sys::Result<RawFlags> read_flags(std::span<const std::string> args,
                                 const sys::Environment& environment);

/// Go's strconv.ParseBool: 1, t, T, true, True, TRUE and their opposites.
std::optional<bool> parse_boolean(std::string_view text);

/// `text` in double quotes for an error sentence: what is not printable ASCII is shown as '?', so
/// that no value can steer the terminal; long texts are cut.
std::string quoted(std::string_view text);

}  // namespace kite::cli
