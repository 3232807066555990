#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sys/clock.h"
#include "sys/endpoint.h"
#include "sys/shared_text.h"

namespace kite::snapshot {

/// A task that can serve, as far as the proxy cares.
struct BackendTask {
  sys::SharedText id;    ///< the task ARN's last part
  sys::SharedText zone;  ///< empty when unknown
  bool operator==(const BackendTask&) const = default;
};

/// One address where a container port is served.
struct Backend {
  sys::Endpoint endpoint;
  uint32_t task_index = 0;  ///< into Snapshot::tasks()
  bool operator==(const Backend&) const = default;
};

/// All backends of one container port, ordered by endpoint, each endpoint once.
struct PortBackends {
  uint16_t container_port = 0;
  std::vector<Backend> backends;  ///< may be empty when the port was given by configuration
  bool operator==(const PortBackends&) const = default;
};

/// What discovery knows of one target at one moment: the contract between discovery and proxy.
/// Immutable once built; shared as shared_ptr<const Snapshot> and swapped whole.
class Snapshot {
 public:
  /// An empty set: nothing serves.
  Snapshot() = default;
  /// Sorts by port and endpoint and removes double endpoints, so that equal sets compare equal.
  /// Every task_index must be in range.
  Snapshot(std::vector<BackendTask> tasks, std::vector<PortBackends> ports);

  const std::vector<BackendTask>& tasks() const { return tasks_; }
  /// Ordered by container port.
  const std::vector<PortBackends>& ports() const { return ports_; }
  /// The entry of that port, or null.
  const PortBackends* find_port(uint16_t container_port) const;
  size_t backend_count() const;

  bool operator==(const Snapshot&) const = default;

 private:
  std::vector<BackendTask> tasks_;
  std::vector<PortBackends> ports_;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace kite::snapshot
