#include "proxy/balancer.h"

#include <algorithm>

namespace kite::proxy {

std::optional<size_t> RandomBalancer::pick(const snapshot::PortBackends& port,
                                           std::span<const sys::Endpoint> tried) {
  if (port.backends.empty()) return std::nullopt;
  // The usual case by far: the first attempt, any backend will do.
  if (tried.empty()) return random_.below(static_cast<uint32_t>(port.backends.size()));
  const auto untried = [&](const snapshot::Backend& backend) {
    return std::find(tried.begin(), tried.end(), backend.endpoint) == tried.end();
  };
  const auto count = std::count_if(port.backends.begin(), port.backends.end(), untried);
  if (count == 0) return std::nullopt;
  uint32_t skip = random_.below(static_cast<uint32_t>(count));
  for (size_t i = 0; i < port.backends.size(); ++i) {
    if (untried(port.backends[i]) && skip-- == 0) return i;
  }
  return std::nullopt;
}

}  // namespace kite::proxy
