#include "proxy/port_plan.h"

#include <doctest/doctest.h>

namespace kite::proxy {

namespace {

snapshot::Snapshot serving(const std::vector<uint16_t>& ports) {
  std::vector<snapshot::PortBackends> entries;
  for (const uint16_t port : ports) {
    entries.push_back({port, {{sys::Endpoint::parse("10.0.0.1", port).value(), 0}}});
  }
  return {{{"task", ""}}, std::move(entries)};
}

}  // namespace

TEST_CASE("port plan: every discovered port opens under its own number") {
  const auto snapshot = serving({80, 8080});
  const PortPlan plan = plan_ports({}, &snapshot, {});
  CHECK(plan.open == std::vector<PortRoute>{{80, 80}, {8080, 8080}});
  CHECK(plan.close.empty());
}

TEST_CASE("port plan: what is open and still served is left alone") {
  const auto snapshot = serving({80, 8080});
  const std::vector<PortRoute> open_now = {{80, 80}, {9090, 9090}};
  const PortPlan plan = plan_ports({}, &snapshot, open_now);
  CHECK(plan.open == std::vector<PortRoute>{{8080, 8080}});
  CHECK(plan.close == std::vector<PortRoute>{{9090, 9090}});
}

TEST_CASE("port plan: nothing known closes nothing, nothing serving closes all") {
  const std::vector<PortRoute> open_now = {{80, 80}};
  CHECK(plan_ports({}, nullptr, open_now).close.empty());
  const snapshot::Snapshot empty;
  CHECK(plan_ports({}, &empty, open_now).close == open_now);
}

TEST_CASE("port plan: a port without a backend is not opened") {
  const snapshot::Snapshot snapshot({}, {{80, {}}});
  CHECK(plan_ports({}, &snapshot, {}).open.empty());
}

TEST_CASE("port plan: configured ports open before anything is known and stay when all is gone") {
  const std::vector<PortRoute> configured = {{18080, 8080}};
  CHECK(plan_ports(configured, nullptr, {}).open == configured);
  const snapshot::Snapshot empty;
  CHECK(plan_ports(configured, &empty, configured).close.empty());
  const auto other = serving({80});
  CHECK(plan_ports(configured, &other, {}).open == configured);
}

}  // namespace kite::proxy
