#include "proxy/listener.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using testing::PeerListener;
using testing::ProxyHarness;
using testing::unused_port;

namespace {

/// As whoever shares the kite's listening socket could do.
void shut_down_sockets_at(const sys::Endpoint& entrance) {
  for (int fd = 0; fd < 1024; ++fd) {
    int listens = 0;
    socklen_t length = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == -1 || listens == 0) {
      continue;
    }
    if (sys::local_endpoint(fd) == entrance) ::shutdown(fd, SHUT_RD);
  }
}

}  // namespace

TEST_CASE("listener: a socket that others shut down is told of and opened anew, not spun on") {
  for (const bool paused : {false, true}) {
    ProxyHarness kite(ProxyHarness::default_options(), {}, 1);
    PeerListener listener;
    kite.publish({listener.endpoint()});
    auto [client, backend] = kite.connect_through(listener);
    if (!paused) {
      client.reset();
      REQUIRE(kite.loop.run_until([&] { return kite.proxy.connections() == 0; }));
    }
    shut_down_sockets_at(kite.entrance());
    kite.loop.settle();
    CHECK(kite.proxy.stats().listen_failures_total == 1);
    CHECK(kite.lines.contain("event=listen_failed"));
    kite.loop.settle();
    CHECK(kite.proxy.stats().listen_failures_total == 1);
    kite.loop.clock.advance(std::chrono::seconds(1));
    CHECK(kite.loop.run_until([&] { return kite.entrances().size() == 2; }));
    if (!paused) static_cast<void>(kite.connect_through(listener));
  }
}

TEST_CASE("listener: a port that ended and is no longer wanted goes with its connections") {
  ProxyHarness kite(ProxyHarness::discovering_options());
  PeerListener listener;
  const uint16_t port = unused_port();
  kite.publish({listener.endpoint()}, port);
  auto [client, backend] = kite.connect_through(listener);
  shut_down_sockets_at(kite.entrance());
  kite.loop.settle();
  REQUIRE(kite.proxy.stats().listen_failures_total == 1);
  REQUIRE(kite.proxy.port_stats().size() == 1);
  kite.cell.publish(std::make_shared<const snapshot::Snapshot>());
  CHECK(kite.proxy.port_stats().empty());
  CHECK(kite.lines.contain("event=port_closed"));
  CHECK(kite.proxy.connections() == 0);
  kite.loop.clock.advance(std::chrono::seconds(1));
  kite.loop.settle();
  CHECK(kite.entrances().size() == 1);
}

TEST_CASE("listener: a port that ended is not opened anew while the kite drains") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  shut_down_sockets_at(kite.entrance());
  kite.loop.settle();
  REQUIRE(kite.proxy.stats().listen_failures_total == 1);
  kite.proxy.begin_drain();
  kite.loop.clock.advance(std::chrono::seconds(1));
  kite.loop.settle();
  kite.publish({listener.endpoint(), PeerListener().endpoint()});
  CHECK(kite.entrances().size() == 1);
}

}  // namespace kite::proxy
