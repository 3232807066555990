#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapshot/snapshot.h"

namespace kite::proxy {

/// Clients come in on `listen`, backends are those of `container`.
struct PortRoute {
  uint16_t listen = 0;
  uint16_t container = 0;
  bool operator==(const PortRoute&) const = default;
};

/// What has to change so that the open listeners are the wanted ones.
struct PortPlan {
  std::vector<PortRoute> open;
  std::vector<PortRoute> close;
};

/// Pure. With configured routes exactly those are wanted, whatever is discovered. Without, each
/// container port that has a backend is wanted under its own number. While nothing is known
/// (`snapshot` is null) nothing discovered is opened or closed.
PortPlan plan_ports(std::span<const PortRoute> configured, const snapshot::Snapshot* snapshot,
                    std::span<const PortRoute> open_now);

}  // namespace kite::proxy
