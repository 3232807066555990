#include "proxy/port_plan.h"

#include <algorithm>

namespace kite::proxy {

namespace {

bool contains(std::span<const PortRoute> routes, const PortRoute& route) {
  return std::find(routes.begin(), routes.end(), route) != routes.end();
}

std::vector<PortRoute> wanted_routes(std::span<const PortRoute> configured,
                                     const snapshot::Snapshot* snapshot,
                                     std::span<const PortRoute> open_now) {
  if (!configured.empty()) return {configured.begin(), configured.end()};
  if (snapshot == nullptr) return {open_now.begin(), open_now.end()};
  std::vector<PortRoute> wanted;
  for (const snapshot::PortBackends& port : snapshot->ports()) {
    if (!port.backends.empty()) wanted.push_back({port.container_port, port.container_port});
  }
  return wanted;
}

}  // namespace

PortPlan plan_ports(std::span<const PortRoute> configured, const snapshot::Snapshot* snapshot,
                    std::span<const PortRoute> open_now) {
  const std::vector<PortRoute> wanted = wanted_routes(configured, snapshot, open_now);
  PortPlan plan;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(plan.open),
               [&](const PortRoute& route) { return !contains(open_now, route); });
  std::copy_if(open_now.begin(), open_now.end(), std::back_inserter(plan.close),
               [&](const PortRoute& route) { return !contains(wanted, route); });
  return plan;
}

}  // namespace kite::proxy
