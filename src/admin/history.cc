#include "admin/history.h"

#include <algorithm>

namespace kite::admin {

void Growth::add(uint64_t total) {
  // A counter that shrank is a new one: a port that closed and opened again.
  const uint64_t grown = seen_ && total >= total_ ? total - total_ : 0;
  seen_ = true;
  total_ = total;
  steps_[next_] = static_cast<uint32_t>(std::min<uint64_t>(grown, UINT32_MAX));
  next_ = static_cast<uint8_t>((next_ + 1) % kSteps);
}

std::array<uint32_t, Growth::kSteps> Growth::steps() const {
  std::array<uint32_t, kSteps> ordered = steps_;
  std::rotate(ordered.begin(), ordered.begin() + next_, ordered.end());
  return ordered;
}

void History::add(const View& view) {
  ++round_;
  size_t backends = 0;
  for (const TargetView& target : view.targets) {
    TargetGrowth& growth = targets_[target.name];
    growth.clients.add(target.proxy.accepted_total);
    uint64_t bytes = 0;
    for (const proxy::PortStats& port : target.ports) {
      bytes += port.counters.client_to_backend_bytes_total;
      bytes += port.counters.backend_to_client_bytes_total;
    }
    growth.bytes.add(bytes);
    for (const proxy::BackendView& backend : target.backends) {
      if (++backends > kBackendsMax) break;
      BackendGrowth& of_backend = backends_[key(backend)];
      of_backend.connections.add(backend.counters.connections_total);
      of_backend.seen_in = round_;
    }
  }
  std::erase_if(backends_, [&](const auto& entry) { return entry.second.seen_in != round_; });
}

const History::TargetGrowth* History::find(const TargetView& target) const {
  const auto found = targets_.find(target.name);
  return found == targets_.end() ? nullptr : &found->second;
}

const Growth* History::find(const proxy::BackendView& backend) const {
  const auto found = backends_.find(key(backend));
  return found == backends_.end() ? nullptr : &found->second.connections;
}

History::BackendKey History::key(const proxy::BackendView& backend) {
  return {backend.target, backend.container_port, backend.endpoint};
}

}  // namespace kite::admin
