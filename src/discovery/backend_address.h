#pragma once

#include <cstdint>
#include <map>
#include <variant>
#include <vector>

#include "aws/model.h"
#include "discovery/backend_filter.h"
#include "discovery/inventory.h"
#include "discovery/network_mode.h"
#include "sys/endpoint.h"

namespace kite::discovery {

/// Where each container port of one task is reached.
using PortEndpoints = std::map<uint16_t, std::vector<sys::Endpoint>>;

/// Pure: second half of the choice: addresses and ports by network mode, or why there is none.
/// Source:    DescribeTasks' networkBindings and attachments, EC2's addresses, the definition's
///            portMappings; Docker publishes a port for IPv4 and IPv6 separately, with host ports
///            that can differ.
std::variant<PortEndpoints, Exclusion> locate(const aws::Task& task,
                                              const aws::Container& container, NetworkMode mode,
                                              const Target& target, const Inventory& inventory);

}  // namespace kite::discovery
