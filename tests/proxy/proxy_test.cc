#include "proxy/proxy.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <optional>

#include "tests/support/black_hole.h"
#include "tests/support/descriptor_limit.h"
#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using testing::BlackHole;
using testing::DescriptorLimit;
using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;
using testing::unused_port;

namespace {

/// An address that refuses: it was listened on a moment ago and is closed.
sys::Endpoint refusing_endpoint() {
  PeerListener listener;
  const sys::Endpoint endpoint = listener.endpoint();
  listener.close();
  return endpoint;
}

bool ends_with_reset(ProxyHarness& kite, Peer& client) {
  return kite.run_with_time_until([&] { return client.read_some(), client.saw_reset(); }) &&
         !client.saw_eof();
}

/// The one descriptor that is to be had goes to the client; none is left to connect a backend with.
bool accept_without_a_descriptor_left(ProxyHarness& kite, size_t connections) {
  const DescriptorLimit tight(DescriptorLimit::for_one_more());
  return kite.loop.run_until([&] { return kite.proxy.connections() == connections; });
}

}  // namespace

TEST_CASE("proxy: a refused connect is retried on another backend before any byte moves") {
  ProxyHarness kite;
  PeerListener listener;
  const sys::Endpoint dead = refusing_endpoint();
  kite.publish({dead, listener.endpoint()});
  const bool dead_first = dead < listener.endpoint();
  kite.random.choices = {dead_first ? 0U : 1U};
  auto [client, backend] = kite.connect_through(listener);
  client.write("hello");
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.received() == "hello"; }));
  CHECK(kite.proxy.stats().connect_failures_total == 1);
  CHECK(kite.troubles == 1);
}

TEST_CASE("proxy: a silent backend is given up after the connect timeout, others are not delayed") {
  BlackHole hole;
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({hole.endpoint(), listener.endpoint()});
  const uint32_t hole_index = hole.endpoint() < listener.endpoint() ? 0 : 1;
  kite.random.choices = {hole_index, 1 - hole_index};
  Peer stuck = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 1; }));
  auto [client, backend] = kite.connect_through(listener);  // time stands still meanwhile
  client.write("quick");
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.received() == "quick"; }));
  kite.loop.clock.advance(std::chrono::milliseconds(1000));
  Peer second;
  CHECK(kite.loop.run_until([&] { return second = listener.accept(), second.open(); }));
  stuck.write("patient");
  CHECK(kite.loop.run_until([&] { return second.read_some(), second.received() == "patient"; }));
  CHECK(kite.proxy.stats().connect_failures_total == 1);
}

TEST_CASE("proxy: the deadline bounds all attempts of one client") {
  BlackHole holes[3];
  auto options = ProxyHarness::default_options();
  options.connect.deadline = std::chrono::milliseconds(1500);
  ProxyHarness kite(options);
  kite.publish({holes[0].endpoint(), holes[1].endpoint(), holes[2].endpoint()});
  Peer client = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 1; }));
  kite.loop.clock.advance(std::chrono::milliseconds(1000));
  kite.loop.settle();
  CHECK(kite.proxy.connections() == 1);
  kite.loop.clock.advance(std::chrono::milliseconds(500));
  CHECK(ends_with_reset(kite, client));
  CHECK(kite.proxy.stats().unserved_total == 1);
}

TEST_CASE("proxy: a client is reset when every backend refuses, after as many tries as allowed") {
  auto options = ProxyHarness::default_options();
  options.connect.retries = 1;
  ProxyHarness kite(options);
  std::vector<PeerListener> listeners(3);
  std::vector<sys::Endpoint> dead;
  for (PeerListener& listener : listeners) dead.push_back(listener.endpoint());
  for (PeerListener& listener : listeners) listener.close();
  kite.publish(dead);
  Peer client = Peer::connect(kite.entrance());
  CHECK(ends_with_reset(kite, client));
  CHECK(kite.proxy.stats().connect_failures_total == 2);
  CHECK(kite.lines.contain("event=client_unserved"));
}

TEST_CASE("proxy: with nothing known a given port accepts and resets") {
  ProxyHarness kite;
  Peer client = Peer::connect(kite.entrance());
  CHECK(ends_with_reset(kite, client));
  CHECK(kite.proxy.stats().no_backend_total == 1);
}

TEST_CASE("proxy: a vanished port closes its listener and resets its connections, no others") {
  ProxyHarness kite(ProxyHarness::discovering_options());
  PeerListener listener;
  const uint16_t port = unused_port();
  kite.publish({listener.endpoint()}, port);
  CHECK(kite.entrance().port() == port);
  auto [client, backend] = kite.connect_through(listener);
  kite.cell.publish(std::make_shared<const snapshot::Snapshot>());
  CHECK(ends_with_reset(kite, client));
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.saw_reset(); }));
  Peer refused = Peer::connect(sys::Endpoint::parse("127.0.0.1", port).value());
  CHECK(sys::take_pending_error(refused.fd()) != 0);
  CHECK(kite.proxy.connections() == 0);
}

TEST_CASE("proxy: backends that leave keep their connections while the port stays") {
  ProxyHarness kite;
  PeerListener first;
  PeerListener second;
  kite.publish({first.endpoint()});
  auto [client, backend] = kite.connect_through(first);
  kite.publish({second.endpoint()});
  client.write("same connection");
  CHECK(kite.loop.run_until(
      [&] { return backend.read_some(), backend.received() == "same connection"; }));
  auto [other_client, other_backend] = kite.connect_through(second);
  CHECK(other_backend.open());
}

TEST_CASE("proxy: a taken port is reported once, does not stop the others, and is retried") {
  sys::OwnedFd placeholder;  // for the census, which counts the socket that is closed on the way
  PeerListener taken;
  auto options = ProxyHarness::default_options();
  options.ports = {{taken.endpoint().port(), 80}, {0, 81}};
  ProxyHarness kite(options);
  CHECK(kite.lines.contain("event=listen_failed"));
  CHECK(kite.entrance().port() != taken.endpoint().port());
  const size_t lines_before = kite.lines.lines.size();
  kite.publish({});
  CHECK(kite.lines.lines.size() == lines_before);
  CHECK(kite.proxy.stats().listen_failures_total == 2);
  const uint16_t port = taken.endpoint().port();
  taken.close();
  placeholder.reset(::dup(0));
  kite.publish({});
  CHECK(kite.entrance().port() == port);
}

TEST_CASE("proxy: above the connection limit clients wait in the backlog and are served later") {
  ProxyHarness kite(ProxyHarness::default_options(), {}, 2);
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [first, first_backend] = kite.connect_through(listener);
  auto [second, second_backend] = kite.connect_through(listener);
  Peer third = Peer::connect(kite.entrance());
  third.write("waiting");
  kite.loop.settle(20);
  CHECK(kite.proxy.stats().accepted_total == 2);
  first.close();
  first_backend.close();
  Peer third_backend;
  CHECK(kite.loop.run_until([&] {
    if (!third_backend.open()) third_backend = listener.accept();
    third_backend.read_some();
    return third_backend.received() == "waiting";
  }));
  CHECK(kite.proxy.stats().accept_pauses_total >= 1);
}

TEST_CASE("proxy: at the connection limit every listener gets its turn") {
  auto options = ProxyHarness::default_options();
  options.ports = {{0, 81}, {0, 82}, {0, 83}};
  ProxyHarness kite(options, {}, 1);
  PeerListener listener;
  std::vector<snapshot::PortBackends> ports;
  for (uint16_t port = 81; port <= 83; ++port) {
    ports.push_back({port, {{listener.endpoint(), 0}}});
  }
  const std::vector<snapshot::BackendTask> tasks{{"task", ""}};
  kite.cell.publish(std::make_shared<const snapshot::Snapshot>(tasks, std::move(ports)));
  std::vector<Peer> clients;
  for (const sys::Endpoint& entrance : kite.entrances()) {
    for (int i = 0; i < 4; ++i) {
      clients.push_back(Peer::connect(entrance));
      clients.back().write(std::to_string(entrance.port()) + ".");
    }
  }
  std::vector<std::string> order;
  for (int served = 0; served < 12; ++served) {
    Peer backend;
    REQUIRE(kite.loop.run_until([&] {
      if (!backend.open()) backend = listener.accept();
      backend.read_some();
      return backend.received().ends_with(".");
    }));
    order.push_back(backend.received());
    backend.reset();
  }
  for (size_t i = 3; i < order.size(); ++i) CHECK(order[i] == order[i - 3]);
  CHECK(order[0] != order[1]);
  CHECK(order[1] != order[2]);
}

TEST_CASE(
    "proxy: accepting goes on after the connections that filled it were cut with their port") {
  BlackHole hole;
  PeerListener listener;
  ProxyHarness kite(ProxyHarness::discovering_options(), {}, 2);
  const uint16_t port = unused_port();
  kite.publish({hole.endpoint()}, port);
  Peer first = Peer::connect(kite.entrance());
  Peer second = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().accept_pauses_total == 1; }));
  kite.cell.publish(std::make_shared<const snapshot::Snapshot>());
  CHECK(kite.proxy.connections() == 0);
  kite.publish({listener.endpoint()}, port);
  auto [client, backend] = kite.connect_through(listener);
  CHECK(backend.open());
}

TEST_CASE("proxy: out of descriptors it pauses without spinning, then serves everybody") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  std::vector<Peer> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(Peer::connect(kite.entrance()));
  {
    const DescriptorLimit none_left;
    kite.loop.settle(50);
  }
  CHECK(kite.proxy.stats().accepted_total == 0);
  CHECK(kite.proxy.stats().accept_pauses_total == 1);
  CHECK(kite.lines.contain("event=accepting_paused"));
  kite.loop.clock.advance(std::chrono::milliseconds(100));
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 10; }));
}

TEST_CASE("proxy: a descriptor shortage while connecting blames no backend and is waited out") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  Peer client = Peer::connect(kite.entrance());
  CHECK(accept_without_a_descriptor_left(kite, 1));
  CHECK(kite.proxy.stats().tunnels_opened_total == 0);
  kite.loop.clock.advance(Connector::kShortagePause);
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 1; }));
  CHECK(kite.proxy.stats().connect_failures_total == 0);
  CHECK(kite.proxy.stats().retries_total == 0);
  CHECK(kite.proxy.stats().connect_shortages_total >= 1);
  CHECK(kite.troubles == 0);
}

TEST_CASE("proxy: shortages and retries are counted of clients for whom the last backend leaves") {
  BlackHole hole;
  PeerListener listener;
  auto options = ProxyHarness::default_options();
  options.hold.wait = std::chrono::seconds(10);
  ProxyHarness kite(options);
  kite.publish({hole.endpoint()});
  Peer client = Peer::connect(kite.entrance());
  CHECK(accept_without_a_descriptor_left(kite, 1));
  kite.loop.clock.advance(Connector::kShortagePause);
  kite.loop.settle();
  kite.publish({});
  kite.loop.clock.advance(options.connect.attempt_timeout);
  CHECK(kite.loop.run_until([&] { return kite.proxy.waiting() == 1; }));
  CHECK(kite.proxy.stats().connect_shortages_total >= 1);
  CHECK(kite.proxy.port_stats()[0].counters.connect_shortages_total >= 1);
  CHECK(kite.proxy.stats().retries_total == 0);
  kite.publish({listener.endpoint()});
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 1; }));
  CHECK(kite.proxy.stats().retries_total == 1);
}

TEST_CASE("proxy: who waits for a descriptor gets the next one before anybody else is accepted") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto leaving = std::make_optional(kite.connect_through(listener));
  Peer first = Peer::connect(kite.entrance());
  CHECK(accept_without_a_descriptor_left(kite, 2));
  CHECK(kite.lines.contain("event=accepting_paused"));
  Peer second = Peer::connect(kite.entrance());
  leaving.reset();
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 1; }));
  kite.loop.settle(50);
  CHECK(kite.proxy.stats().accepted_total == 2);
  kite.loop.clock.advance(Connector::kShortagePause);
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 2; }));
  kite.loop.clock.advance(std::chrono::milliseconds(100));
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 3; }));
}

TEST_CASE("proxy: the first client who comes before anything is known asks for the first poll") {
  ProxyHarness kite;
  for (int i = 0; i < 2; ++i) {
    Peer client = Peer::connect(kite.entrance());
    CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); }));
  }
  CHECK(kite.proxy.stats().no_backend_total == 2);
  CHECK(kite.troubles == 1);
}

TEST_CASE("proxy: memory of connections that ended is given back, and the rest go on") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  std::vector<ProxyHarness::Pair> pairs;
  for (int i = 0; i < 130; ++i) pairs.push_back(kite.connect_through(listener));
  pairs.resize(10);
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 10; }));
  CHECK(kite.proxy.stats().memory_freed_total == 0);
  CHECK(kite.run_with_time_until([&] { return kite.proxy.stats().memory_freed_total == 1; }));
  for (auto& [client, backend] : pairs) {
    client.write("still here");
    CHECK(kite.loop.run_until(
        [&] { return backend.read_some(), backend.received() == "still here"; }));
  }
  pairs.push_back(kite.connect_through(listener));
}

TEST_CASE("proxy: IPv6 backends are reached like any other") {
  PeerListener listener("::1");
  ProxyHarness kite;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  client.write("six");
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.received() == "six"; }));
}

TEST_CASE("proxy: without a bind address both IPv4 and IPv6 clients are served") {
  auto options = ProxyHarness::default_options();
  options.bind.reset();
  options.ports = {{unused_port("::1"), ProxyHarness::kContainerPort}};
  ProxyHarness kite(options);
  const uint16_t port = options.ports[0].listen;
  for (const char* address : {"127.0.0.1", "::1"}) {
    Peer client = Peer::connect(sys::Endpoint::parse(address, port).value());
    CHECK(ends_with_reset(kite, client));
  }
  CHECK(kite.proxy.stats().no_backend_total == 2);
}

TEST_CASE("proxy: stopping cuts everything and leaves no descriptor behind") {
  ProxyHarness kite;
  BlackHole hole;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  kite.publish({hole.endpoint()});
  Peer connecting = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 2; }));
  kite.proxy.stop();
  CHECK(kite.proxy.connections() == 0);
  CHECK(ends_with_reset(kite, client));
  CHECK(ends_with_reset(kite, connecting));
  CHECK(kite.proxy.stats().tunnels_cut_total == 1);
}

}  // namespace kite::proxy
