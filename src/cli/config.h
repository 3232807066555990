#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cli/flags.h"
#include "sys/endpoint.h"
#include "sys/environment.h"
#include "sys/log.h"
#include "sys/result.h"
#include "sys/socket.h"
#include "sys/stream_address.h"

namespace kite::cli {

/// -port=[listen:]container, Docker's order.
struct PortMapping {
  uint16_t listen = 0;
  uint16_t container = 0;
  bool operator==(const PortMapping&) const = default;
};

enum class Balance : uint8_t { random, roundrobin, leastconn, p2c };
enum class ProxyProtocol : uint8_t { off, v1, v2 };

/// -tag=key=value.
struct TaskTag {
  std::string key;
  std::string value;
  bool operator==(const TaskTag&) const = default;
};

/// -poll=low-high; low <= high.
struct PollRange {
  std::chrono::milliseconds low{5000};
  std::chrono::milliseconds high{20000};
};

/// Which containers of which tasks are proxied to, and where the kite listens for them.
struct TargetConfig {
  std::string name;                  ///< container name
  std::string family;                ///< empty when a service is given
  std::optional<uint32_t> revision;  ///< of the family; absent means any
  std::string service;               ///< empty when a family is given
  std::string namespace_name;        ///< of Cloud Map; then name is empty, and cluster may be
  std::string cluster = "default";
  std::vector<TaskTag> tags;             ///< a task must have all
  bool primary_deployment_only = false;  ///< of the service
  bool use_public_addresses = false;
  std::vector<PortMapping> ports;     ///< empty: all discovered
  std::optional<sys::Endpoint> bind;  ///< port 0; absent: all addresses, IPv4 and IPv6
  Balance balance = Balance::random;
};

/// Whether the process gives up what serving does not need.
enum class SandboxMode : uint8_t {
  on,       ///< as far as the kernel lets it
  require,  ///< or it does not start
  off,
};

/// The word before the flags.
enum class Command : uint8_t {
  run,          ///< the proxy; also without a word
  list,         ///< one poll, printed
  check,        ///< credentials, permissions, reachability
  healthcheck,  ///< asks the running one
  wait,         ///< until a backend can be connected to
};

/// 127.0.0.1:9902.
sys::StreamAddress default_admin_address();

/// Everything the command line and environment decided, validated: no later stage re-checks it.
struct Config {
  Command command = Command::run;
  /// At least one: that of -name, if given, then those of -target. No two are to listen on the same
  /// address and port.
  std::vector<TargetConfig> targets;
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds connect_deadline{10000};
  uint32_t retries = 3;
  std::chrono::milliseconds hold{10000};      ///< 0: nobody waits
  size_t max_connections = 0;                 ///< 0: as many as the descriptor limit allows
  std::chrono::milliseconds idle_timeout{0};  ///< 0: off
  sys::Liveness liveness;
  std::optional<std::chrono::milliseconds> removed_grace;  ///< absent: keep
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  std::chrono::milliseconds drain_timeout{25000};
  bool zone_aware = false;
  std::chrono::milliseconds slow_start{10000};  ///< 0: off
  uint32_t eject_after = 3;                     ///< 0: never
  bool eject_on_reset = false;
  PollRange poll;
  bool poll_given = false;
  std::string cache;         ///< empty: none
  std::string region;        ///< empty: environment, task metadata, IMDS
  std::string endpoint_ecs;  ///< empty: environment, then the partition's
  std::string endpoint_ec2;
  std::string assume_role;                           ///< empty: none
  std::string external_id;                           ///< of that role; empty: none
  bool json = false;                                 ///< of list and check
  std::optional<std::chrono::milliseconds> timeout;  ///< of wait; absent: for ever
  sys::LogLevel log_level = sys::LogLevel::info;
  sys::LogFormat log_format = sys::LogFormat::text;
  bool access_log = false;
  std::optional<sys::StreamAddress> admin = default_admin_address();  ///< absent: off
  bool admin_given = false;
  SandboxMode sandbox = SandboxMode::on;
};

struct ShowHelp {};
struct ShowVersion {};
/// What the command line asks for.
using Invocation = std::variant<Config, ShowHelp, ShowVersion>;

/// Judges what was given. Pure.
/// Errors:    one sentence that names the flag or the KITE_ variable, what is wrong with it and
///            what to write instead; the first problem found is the one told.
sys::Result<Config> make_config(const RawFlags& raw, Command command = Command::run);

/// What was named in front of the flags; run when nothing was. Takes the word off `args`.
sys::Result<Command> take_command(std::span<const std::string>& args);

/// The whole way from argv (without the program's name) and environment to what to do. Pure.
/// Errors:    as read_flags() and make_config(); show them with usage_error_text().
sys::Result<Invocation> parse_command_line(std::span<const std::string> args,
                                           const sys::Environment& environment);

}  // namespace kite::cli
