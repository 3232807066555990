#include "proxy/tunnel_care.h"

#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;

namespace {

Proxy::Options with_idle_timeout(sys::Duration timeout) {
  auto options = ProxyHarness::default_options();
  options.care.idle_timeout = timeout;
  return options;
}

/// Logical time in steps smaller than anything here waits for.
void pass(ProxyHarness& kite, milliseconds time) {
  constexpr milliseconds kStep{50};
  for (milliseconds passed{0}; passed < time; passed += kStep) {
    kite.loop.clock.advance(kStep);
    kite.loop.settle(2);
  }
}

bool exchange(ProxyHarness& kite, Peer& from, Peer& to, const std::string& words) {
  const std::string before = to.received();
  from.write(words);
  return kite.loop.run_until([&] { return to.read_some(), to.received() == before + words; });
}

}  // namespace

TEST_CASE("care: a tunnel without traffic is reset once its time is over, and not before") {
  ProxyHarness kite(with_idle_timeout(seconds(8)));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  pass(kite, milliseconds(7950));
  CHECK(kite.proxy.connections() == 1);
  pass(kite, milliseconds(1150));  // an eighth of its time late, at most
  CHECK(kite.proxy.connections() == 0);
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.saw_reset(); }));
  CHECK(kite.proxy.stats().tunnels_idle_total == 1);
  CHECK(kite.lines.contain("reason=idle_timeout"));
}

TEST_CASE("care: traffic in either direction keeps a tunnel") {
  ProxyHarness kite(with_idle_timeout(seconds(8)));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  for (int i = 0; i < 4; ++i) {
    pass(kite, seconds(7));
    CHECK(exchange(kite, client, backend, "to"));
    pass(kite, seconds(7));
    CHECK(exchange(kite, backend, client, "fro"));
  }
  CHECK(kite.proxy.connections() == 1);
  pass(kite, milliseconds(9100));
  CHECK(kite.proxy.connections() == 0);
}

TEST_CASE("care: only the idle ones end, and those opened later have their own time") {
  ProxyHarness kite(with_idle_timeout(seconds(8)));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [first, first_backend] = kite.connect_through(listener);
  auto [second, second_backend] = kite.connect_through(listener);
  pass(kite, seconds(5));
  auto [third, third_backend] = kite.connect_through(listener);
  CHECK(exchange(kite, second, second_backend, "here"));
  pass(kite, milliseconds(4100));
  CHECK(kite.proxy.connections() == 2);
  pass(kite, milliseconds(3900));
  pass(kite, milliseconds(1100));
  CHECK(kite.proxy.connections() == 0);
}

TEST_CASE("care: no timer is armed for idle tunnels when there is no timeout") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  pass(kite, seconds(11));  // the backend's keepalive is set by now
  CHECK(kite.loop.reactor.timers().size() == 0);
  pass(kite, seconds(100));
  CHECK(kite.proxy.connections() == 1);
}

TEST_CASE("care: busy tunnels cost one look in their whole time, not one for each event") {
  ProxyHarness kite(with_idle_timeout(seconds(8)));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  pass(kite, milliseconds(10050));  // the backend's keepalive is set by now
  CHECK(kite.proxy.connections() == 0);
  auto [next_client, next_backend] = kite.connect_through(listener);
  const auto armed_for = kite.loop.reactor.timers().next_deadline();
  for (int i = 0; i < 20; ++i) {
    CHECK(exchange(kite, next_client, next_backend, "x"));
    CHECK(kite.loop.reactor.timers().next_deadline() == armed_for);
  }
}

TEST_CASE("care: the keepalive that was asked for is on both sockets, the backend's after 10 s") {
  auto options = ProxyHarness::default_options();
  options.care.liveness = {.probe_after = seconds(33),
                           .probe_interval = seconds(7),
                           .probes = 5,
                           .unacknowledged_max = milliseconds(45000)};
  ProxyHarness kite(options);
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  pass(kite, seconds(11));
  int with_keepalive = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    const auto option = [&](int level, int name) {
      int value = -1;
      socklen_t length = sizeof value;
      return ::getsockopt(fd, level, name, &value, &length) == -1 ? -1 : value;
    };
    const bool ours =
        option(SOL_SOCKET, SO_KEEPALIVE) == 1 && option(SOL_SOCKET, SO_ACCEPTCONN) == 0;
    if (!ours || option(IPPROTO_TCP, TCP_KEEPIDLE) != 33) continue;
    ++with_keepalive;
    CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 7);
    CHECK(option(IPPROTO_TCP, TCP_KEEPCNT) == 5);
    CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 45000);
  }
  CHECK(with_keepalive == 2);
}

TEST_CASE("care: keepalive can be off") {
  auto options = ProxyHarness::default_options();
  options.care.liveness.probe_after = seconds(0);
  ProxyHarness kite(options);
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  pass(kite, seconds(11));
  for (int fd = 0; fd < 1024; ++fd) {
    // The listener and what it accepted; the test's own listener keeps its peers alive.
    if (sys::local_endpoint(fd) != kite.entrance()) continue;
    int value = -1;
    socklen_t length = sizeof value;
    CHECK(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &length) == 0);
    CHECK(value == 0);
  }
}

namespace {

Proxy::Options closing_removed_after(sys::Duration grace) {
  auto options = ProxyHarness::default_options();
  options.care.removed_grace = grace;
  return options;
}

}  // namespace

TEST_CASE("care: connections to a departed backend end when its grace is over, no others") {
  ProxyHarness kite(closing_removed_after(seconds(30)));
  PeerListener leaving;
  PeerListener staying;
  kite.publish({leaving.endpoint()});
  auto [client, backend] = kite.connect_through(leaving);
  kite.publish({staying.endpoint()});
  auto [other_client, other_backend] = kite.connect_through(staying);
  kite.loop.clock.advance(seconds(20));
  kite.publish({staying.endpoint()});  // a later snapshot starts no new grace
  kite.loop.clock.advance(milliseconds(9999));
  kite.loop.settle();
  CHECK(kite.proxy.connections() == 2);
  kite.loop.clock.advance(milliseconds(1));
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.saw_reset(); }));
  CHECK(kite.proxy.stats().tunnels_removed_total == 1);
  CHECK(kite.lines.contain("reason=task_removed"));
  kite.loop.clock.advance(seconds(100));
  CHECK(exchange(kite, other_client, other_backend, "untouched"));
}

TEST_CASE("care: a backend that comes back within its grace keeps its connections") {
  ProxyHarness kite(closing_removed_after(seconds(30)));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  kite.publish({});
  kite.loop.clock.advance(seconds(29));
  kite.loop.settle();
  kite.publish({listener.endpoint()});
  kite.loop.clock.advance(seconds(100));
  kite.loop.settle();
  CHECK(exchange(kite, client, backend, "kept"));
  kite.publish({});
  kite.loop.clock.advance(seconds(29));
  kite.loop.settle();
  CHECK(exchange(kite, client, backend, "a new grace"));
  kite.loop.clock.advance(seconds(1));
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 0; }));
}

TEST_CASE("care: a task that took over the address is another one, who stays at it is not") {
  ProxyHarness kite(closing_removed_after(seconds(30)));
  PeerListener one;
  PeerListener other;
  // Chance says 0 throughout: the first of the set is taken.
  const bool in_order = one.endpoint() < other.endpoint();
  PeerListener& replaced = in_order ? one : other;
  PeerListener& staying = in_order ? other : one;
  kite.publish({replaced.endpoint()});
  auto [client, backend] = kite.connect_through(replaced);
  kite.publish({staying.endpoint()});
  auto [other_client, other_backend] = kite.connect_through(staying);
  kite.cell.publish(std::make_shared<const snapshot::Snapshot>(
      std::vector<snapshot::BackendTask>{{"task-" + staying.endpoint().text(), "a zone"},
                                         {"successor", ""}},
      std::vector<snapshot::PortBackends>{
          {ProxyHarness::kContainerPort, {{staying.endpoint(), 0}, {replaced.endpoint(), 1}}}}));
  auto [new_client, new_backend] = kite.connect_through(replaced);
  kite.loop.clock.advance(seconds(30));
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(exchange(kite, other_client, other_backend, "the same task"));
  CHECK(exchange(kite, new_client, new_backend, "the new task"));
  CHECK(kite.proxy.stats().tunnels_removed_total == 1);
}

TEST_CASE("care: a number that passes to another backend brings it no end") {
  ProxyHarness kite(closing_removed_after(seconds(30)));
  PeerListener first;
  PeerListener second;
  kite.publish({first.endpoint()});
  auto [client, backend] = kite.connect_through(first);
  kite.publish({});
  client.reset();  // the departed backend goes with its last connection
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 0; }));
  kite.publish({second.endpoint()});
  auto [new_client, new_backend] = kite.connect_through(second);
  kite.loop.clock.advance(seconds(30));
  kite.loop.settle();
  CHECK(exchange(kite, new_client, new_backend, "stays"));
}

TEST_CASE("care: without grace they end with the snapshot that leaves their backend out") {
  ProxyHarness kite(closing_removed_after(sys::Duration::zero()));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  std::vector<ProxyHarness::Pair> pairs;
  for (int i = 0; i < 150; ++i) pairs.push_back(kite.connect_through(listener));
  kite.publish({});
  CHECK(kite.proxy.connections() == 150 - 128);  // a bite a turn
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 0; }));
  CHECK(kite.proxy.stats().tunnels_removed_total == 150);
}

TEST_CASE("care: a grace that is over while others are being ended is not forgotten") {
  ProxyHarness kite(closing_removed_after(seconds(30)));
  PeerListener first;
  PeerListener second;
  kite.publish({first.endpoint()});
  std::vector<ProxyHarness::Pair> pairs;
  for (int i = 0; i < 150; ++i) pairs.push_back(kite.connect_through(first));
  kite.publish({second.endpoint()});
  pairs.push_back(kite.connect_through(second));
  kite.loop.clock.advance(milliseconds(1));
  kite.loop.settle(1);
  kite.publish({});
  kite.loop.clock.advance(seconds(30) - milliseconds(1));
  REQUIRE(kite.loop.run_until([&] { return kite.proxy.connections() < 151; }));
  REQUIRE(kite.proxy.connections() > 1);  // a bite a turn, from the back: the second's was passed
  kite.loop.clock.advance(milliseconds(1));
  CHECK(kite.run_with_time_until([&] { return kite.proxy.connections() == 0; }));
  CHECK(kite.proxy.stats().tunnels_removed_total == 151);
}

TEST_CASE("care: without grace a backend that leaves while it is being connected is no harm") {
  ProxyHarness kite(closing_removed_after(sys::Duration::zero()));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  Peer client = Peer::connect(kite.entrance());
  REQUIRE(kite.loop.run_until([&] { return kite.proxy.connections() == 1; }));
  REQUIRE(kite.proxy.stats().tunnels_opened_total == 0);
  kite.publish({});
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(kite.proxy.connections() == 0);
  CHECK(kite.proxy.stats().tunnels_removed_total == 1);
}

}  // namespace kite::proxy
