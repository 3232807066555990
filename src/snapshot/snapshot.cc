#include "snapshot/snapshot.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "sys/check.h"

namespace kite::snapshot {

namespace {

/// Orders the tasks by id and says where each one went: old index -> new index.
std::vector<uint32_t> sort_tasks(std::vector<BackendTask>& tasks) {
  std::vector<uint32_t> order(tasks.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto before = [&](uint32_t a, uint32_t b) {
    return std::tie(tasks[a].id, tasks[a].zone) < std::tie(tasks[b].id, tasks[b].zone);
  };
  // Discovery keeps its tasks by ARN, and so they usually come.
  if (std::is_sorted(order.begin(), order.end(), before)) return order;
  std::stable_sort(order.begin(), order.end(), before);
  std::vector<BackendTask> sorted;
  sorted.reserve(tasks.size());
  std::vector<uint32_t> new_index(tasks.size());
  for (const uint32_t old_index : order) {
    new_index[old_index] = static_cast<uint32_t>(sorted.size());
    sorted.push_back(std::move(tasks[old_index]));
  }
  tasks = std::move(sorted);
  return new_index;
}

/// An endpoint named by two tasks (a stale host port) stays with the first of them by id.
void sort_backends(std::vector<Backend>& backends) {
  std::sort(backends.begin(), backends.end(), [](const Backend& a, const Backend& b) {
    return std::tie(a.endpoint, a.task_index) < std::tie(b.endpoint, b.task_index);
  });
  const auto doubles =
      std::unique(backends.begin(), backends.end(),
                  [](const Backend& a, const Backend& b) { return a.endpoint == b.endpoint; });
  backends.erase(doubles, backends.end());
}

/// Entries of one container port become one entry.
std::vector<PortBackends> merge_ports(std::vector<PortBackends> ports) {
  std::stable_sort(ports.begin(), ports.end(), [](const PortBackends& a, const PortBackends& b) {
    return a.container_port < b.container_port;
  });
  std::vector<PortBackends> merged;
  for (PortBackends& port : ports) {
    if (merged.empty() || merged.back().container_port != port.container_port) {
      merged.push_back(std::move(port));
      continue;
    }
    std::vector<Backend>& backends = merged.back().backends;
    backends.insert(backends.end(), port.backends.begin(), port.backends.end());
  }
  return merged;
}

}  // namespace

Snapshot::Snapshot(std::vector<BackendTask> tasks, std::vector<PortBackends> ports)
    : tasks_(std::move(tasks)), ports_(merge_ports(std::move(ports))) {
  const std::vector<uint32_t> new_index = sort_tasks(tasks_);
  for (PortBackends& port : ports_) {
    for (Backend& backend : port.backends) {
      KITE_CHECK(backend.task_index < new_index.size(), "a backend belongs to a task of its set");
      backend.task_index = new_index[backend.task_index];
    }
    sort_backends(port.backends);
  }
}

const PortBackends* Snapshot::find_port(uint16_t container_port) const {
  const auto found = std::lower_bound(
      ports_.begin(), ports_.end(), container_port,
      [](const PortBackends& port, uint16_t wanted) { return port.container_port < wanted; });
  if (found == ports_.end() || found->container_port != container_port) return nullptr;
  return &*found;
}

size_t Snapshot::backend_count() const {
  size_t count = 0;
  for (const PortBackends& port : ports_) count += port.backends.size();
  return count;
}

}  // namespace kite::snapshot
