#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sys/endpoint.h"
#include "sys/log.h"
#include "sys/result.h"

namespace kite::cli {

/// -port=[listen:]container, Docker's order.
struct PortMapping {
  uint16_t listen = 0;
  uint16_t container = 0;
  bool operator==(const PortMapping&) const = default;
};

enum class Balance : uint8_t { random };

/// -poll=low-high
struct PollRange {
  std::chrono::milliseconds low{5000};
  std::chrono::milliseconds high{20000};
};

/// Everything the command line and environment decided, validated: no later stage re-checks it.
struct Config {
  std::string name;                  ///< container name
  std::string family;                ///< empty when a service is given
  std::optional<uint32_t> revision;  ///< of the family; absent means any
  std::string service;               ///< empty when a family is given
  std::string cluster = "default";
  bool use_public_addresses = false;
  std::vector<PortMapping> ports;     ///< empty: all discovered
  std::optional<sys::Endpoint> bind;  ///< port 0; absent: all addresses, IPv4 and IPv6
  Balance balance = Balance::random;
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds connect_deadline{10000};
  uint32_t retries = 3;
  PollRange poll;
  std::string region;        ///< empty: environment, task metadata, IMDS
  std::string endpoint_ecs;  ///< empty: environment, then the partition's
  std::string endpoint_ec2;
  sys::LogLevel log_level = sys::LogLevel::info;
  sys::LogFormat log_format = sys::LogFormat::text;
};

}  // namespace kite::cli
