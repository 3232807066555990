// The data path and the table of backends together, on real sockets.

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "tests/support/black_hole.h"
#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BlackHole;
using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;
using testing::unused_port;

namespace {

ProxyHarness::Setup judging(const BackendTable::Options& options) {
  return {.backends = options, .balance = {}};
}

BackendView view_of(ProxyHarness& kite, const sys::Endpoint& endpoint) {
  std::vector<BackendView> views;
  kite.backends.view(kite.loop.reactor.now(), views);
  for (const BackendView& view : views) {
    if (view.endpoint == endpoint) return view;
  }
  return {};
}

}  // namespace

TEST_CASE("failover: who refuses three clients is left out, probed by one, and comes back") {
  ProxyHarness kite;
  PeerListener good;
  auto bad = std::make_unique<PeerListener>();
  const sys::Endpoint dead = bad->endpoint();
  bad->close();
  kite.publish({dead, good.endpoint()});
  const uint32_t dead_index = dead < good.endpoint() ? 0 : 1;
  for (int i = 0; i < 4; ++i) {
    kite.random.choices = {dead_index};
    kite.connect_through(good);
  }
  CHECK(kite.proxy.stats().connect_failures_total == 3);  // the fourth did not meet it
  CHECK(kite.proxy.stats().failed_over_total == 3);
  CHECK(view_of(kite, dead).state == BackendState::ejected);

  kite.loop.clock.advance(seconds(1));
  kite.connect_through(good);  // the probe: fails, and is served elsewhere
  kite.connect_through(good);
  CHECK(kite.proxy.stats().connect_failures_total == 4);

  PeerListener revived("127.0.0.1", dead.port());
  kite.loop.clock.advance(seconds(2));
  kite.connect_through(revived);
  CHECK(view_of(kite, dead).state == BackendState::slow_start);
  CHECK(kite.backends.stats().probes_total == 2);
}

TEST_CASE("failover: a black hole costs its clients one timeout, and is left out by then") {
  BlackHole hole;
  ProxyHarness kite;
  PeerListener good;
  kite.publish({hole.endpoint(), good.endpoint()});
  const uint32_t hole_index = hole.endpoint() < good.endpoint() ? 0 : 1;
  std::vector<Peer> clients;
  for (int i = 0; i < 5; ++i) {
    kite.random.choices.push_back(hole_index);
    clients.push_back(Peer::connect(kite.entrance()));
  }
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 5; }));
  kite.loop.clock.advance(seconds(1));
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 5; }));
  CHECK(kite.proxy.stats().failed_over_total == 5);
  CHECK(view_of(kite, hole.endpoint()).state == BackendState::ejected);
  CHECK(kite.backends.stats().ejections_total == 1);  // the two after the third say nothing new
  CHECK(view_of(kite, hole.endpoint()).connections == 0);
  for (int i = 0; i < 5; ++i) good.accept();
}

TEST_CASE("failover: an attempt that the deadline cuts short is not held against its backend") {
  BlackHole holes[3];
  auto options = ProxyHarness::default_options();
  options.connect.deadline = milliseconds(1500);
  ProxyHarness kite(options, {}, 1000, judging({.eject_after = 1}));
  kite.publish({holes[0].endpoint(), holes[1].endpoint(), holes[2].endpoint()});
  Peer client = Peer::connect(kite.entrance());
  CHECK(kite.run_with_time_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(kite.proxy.stats().unserved_total == 1);
  CHECK(kite.proxy.stats().connect_failures_total == 2);
  CHECK(kite.backends.stats().ejections_total == 1);
}

TEST_CASE("failover: an early reset asks for a poll where it counts as a failure") {
  for (const bool counts : {false, true}) {
    ProxyHarness kite(ProxyHarness::default_options(), {}, 1000,
                      judging({.eject_on_reset = counts}));
    PeerListener listener;
    kite.publish({listener.endpoint()});
    auto [client, backend] = kite.connect_through(listener);
    backend.reset();
    CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); }));
    CHECK(kite.troubles == (counts ? 1 : 0));
    CHECK(view_of(kite, listener.endpoint()).counters.early_resets_total == 1);
  }
}

namespace {

/// A client whose backend may reset it at once, and others that may serve it then.
struct EarlyReset {
  explicit EarlyReset(const Proxy::Options& options = ProxyHarness::default_options())
      : kite(options) {
    kite.publish({bad.endpoint(), good.endpoint()});
    kite.random.choices = {bad.endpoint() < good.endpoint() ? 0U : 1U};
    first = kite.connect_through(bad);
  }
  bool client_is_reset() {
    return kite.run_with_time_until(
        [&] { return first.client.read_some(), first.client.saw_reset(); });
  }

  ProxyHarness kite;
  PeerListener bad;
  PeerListener good;
  ProxyHarness::Pair first;
};

}  // namespace

TEST_CASE("failover: a reset before a byte has moved is made good by another backend") {
  EarlyReset test;
  ProxyHarness& kite = test.kite;
  test.first.backend.reset();
  Peer second;
  CHECK(kite.loop.run_until([&] {
    if (!second.open()) second = test.good.accept();
    return second.open() && kite.proxy.stats().tunnels_opened_total == 2;
  }));
  test.first.client.write("question");
  CHECK(kite.loop.run_until([&] { return second.read_some(), second.received() == "question"; }));
  second.write("answer");
  CHECK(kite.loop.run_until(
      [&] { return test.first.client.read_some(), test.first.client.received() == "answer"; }));
  const ProxyStats& stats = kite.proxy.stats();
  CHECK(stats.reset_retries_total == 1);
  CHECK(stats.retries_total == 1);
  CHECK(stats.failed_over_total == 1);
  CHECK(stats.accepted_total == 1);
  CHECK(view_of(kite, test.bad.endpoint()).connections == 0);
  CHECK(view_of(kite, test.bad.endpoint()).counters.early_resets_total == 1);
  CHECK(view_of(kite, test.good.endpoint()).connections == 1);
  CHECK(kite.budget.open() == 1);
  test.first.client.reset();
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 0; }));
  CHECK(kite.budget.open() == 0);
}

TEST_CASE("failover: after a byte in either direction, or the client's end, a reset is passed on") {
  for (const int what : {0, 1, 2}) {
    CAPTURE(what);
    EarlyReset test;
    Peer& backend = test.first.backend;
    if (what == 0) test.first.client.write("x");
    if (what == 1) backend.write("x");
    if (what == 2) test.first.client.shutdown_write();
    CHECK(test.kite.loop.run_until([&] {
      if (what == 1) return test.first.client.read_some(), test.first.client.received() == "x";
      return backend.read_some(), backend.received() == "x" || backend.saw_eof();
    }));
    backend.reset();
    CHECK(test.client_is_reset());
    CHECK(test.kite.proxy.stats().reset_retries_total == 0);
    CHECK(test.kite.proxy.connections() == 0);
  }
}

TEST_CASE("failover: tries and deadline bound what early resets may cost") {
  auto options = ProxyHarness::default_options();
  SUBCASE("no retries") {
    options.connect.retries = 0;
    EarlyReset test(options);
    test.first.backend.reset();
    CHECK(test.client_is_reset());
    CHECK(test.kite.proxy.stats().reset_retries_total == 0);
  }
  SUBCASE("deadline") {
    EarlyReset test(options);
    test.kite.loop.clock.advance(options.connect.deadline);
    test.kite.loop.settle();
    test.first.backend.reset();
    CHECK(test.client_is_reset());
    CHECK(test.kite.proxy.stats().reset_retries_total == 0);
  }
  SUBCASE("everybody resets") {
    EarlyReset test(options);
    test.first.backend.reset();
    uint64_t resets = 1;
    CHECK(test.kite.run_with_time_until([&] {
      for (PeerListener* listener : {&test.bad, &test.good}) {
        Peer met = listener->accept();
        if (!met.open()) continue;
        met.reset();
        ++resets;
      }
      return test.first.client.read_some(), test.first.client.saw_reset();
    }));
    // Some may come before the connect was seen to succeed, and count as refused.
    CHECK(resets >= 2);
    CHECK(resets <= options.connect.retries + 1);
    CHECK(test.kite.proxy.stats().reset_retries_total >= 1);
    CHECK(test.kite.proxy.connections() == 0);
  }
}

TEST_CASE("failover: traffic is counted at its backend when the connection ends") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  CHECK(view_of(kite, listener.endpoint()).connections == 1);
  client.write("four");
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.received() == "four"; }));
  backend.write("seven77");
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.received() == "seven77"; }));
  client.close();
  backend.close();
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 0; }));
  const BackendView view = view_of(kite, listener.endpoint());
  CHECK(view.connections == 0);
  CHECK(view.counters.client_to_backend_bytes == 4);
  CHECK(view.counters.backend_to_client_bytes == 7);
  CHECK(view.counters.connections_total == 1);
}

TEST_CASE("failover: connections that are cut give their load back, in whatever state") {
  BlackHole hole;
  PeerListener listener;
  ProxyHarness kite(ProxyHarness::discovering_options());
  const uint16_t port = unused_port();
  kite.publish({hole.endpoint(), listener.endpoint()}, port);
  const uint32_t hole_index = hole.endpoint() < listener.endpoint() ? 0 : 1;
  kite.random.choices = {hole_index, 1 - hole_index};
  Peer stuck = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 1; }));
  kite.connect_through(listener);
  CHECK(view_of(kite, hole.endpoint()).connections == 1);
  kite.cell.publish(std::make_shared<const snapshot::Snapshot>());
  CHECK(kite.backends.size() == 0);
  CHECK(kite.backends.task_count() == 0);
}

}  // namespace kite::proxy
