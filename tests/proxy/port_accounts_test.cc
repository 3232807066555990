#include "proxy/port_accounts.h"

#include <doctest/doctest.h>

#include "tests/support/proxy_harness.h"

namespace kite::proxy {

TEST_CASE("port accounts: what is counted belongs to the port it is attributed to") {
  PortAccounts accounts;
  accounts.open({80, 8080});
  accounts.open({81, 8081});
  ProxyStats totals;
  totals.accepted_total = 2;
  accounts.attribute(totals, 80);
  totals.accepted_total = 5;
  totals.unserved_total = 1;
  accounts.attribute(totals, 81);
  CHECK(accounts.all()[0].counters.accepted_total == 2);
  CHECK(accounts.all()[0].counters.unserved_total == 0);
  CHECK(accounts.all()[1].counters.accepted_total == 3);
  CHECK(accounts.all()[1].counters.unserved_total == 1);
}

TEST_CASE("port accounts: a port that closed takes nothing, and starts anew when it opens again") {
  PortAccounts accounts;
  accounts.open({80, 8080});
  ProxyStats totals;
  totals.accepted_total = 2;
  accounts.attribute(totals, 80);
  accounts.close(80);
  CHECK(accounts.all().empty());
  totals.accepted_total = 7;
  accounts.attribute(totals, 80);
  accounts.open({80, 9090});
  CHECK(accounts.all()[0].counters.accepted_total == 0);
  CHECK(accounts.all()[0].container_port == 9090);
  totals.accepted_total = 8;
  accounts.attribute(totals, 80);
  CHECK(accounts.all()[0].counters.accepted_total == 1);
}

TEST_CASE("port accounts: a proxy tells what its ports did, bytes of open tunnels among it") {
  testing::ProxyHarness harness;
  testing::PeerListener backend;
  harness.publish({backend.endpoint()});
  auto pair = harness.connect_through(backend);
  pair.client.write("hello");
  CHECK(harness.loop.run_until([&] {
    pair.backend.read_some();
    return pair.backend.received() == "hello";
  }));
  const std::vector<PortStats> open = harness.proxy.port_stats();
  REQUIRE(open.size() == 1);
  CHECK(open[0].container_port == testing::ProxyHarness::kContainerPort);
  CHECK(open[0].connections == 1);
  CHECK(open[0].counters.accepted_total == 1);
  CHECK(open[0].counters.tunnels_opened_total == 1);
  CHECK(open[0].counters.client_to_backend_bytes_total == 5);
  CHECK(open[0].tunnel_times.read().sum == sys::Duration::zero());

  pair.client.shutdown_write();
  pair.backend.shutdown_write();
  CHECK(harness.loop.run_until([&] { return harness.proxy.connections() == 0; }));
  const PortStats ended = harness.proxy.port_stats()[0];
  CHECK(ended.connections == 0);
  CHECK(ended.counters.tunnels_finished_total == 1);
  CHECK(ended.counters.client_to_backend_bytes_total == 5);
}

}  // namespace kite::proxy
