#include "proxy/access_log.h"

#include <doctest/doctest.h>

#include <memory>

#include "tests/support/black_hole.h"
#include "tests/support/descriptor_limit.h"
#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;

namespace {

Proxy::Options logging(seconds hold = seconds(0)) {
  auto options = ProxyHarness::default_options();
  options.hold.wait = hold;
  options.access_log_target = "service/orders/app";
  return options;
}

/// The line of the access log that holds `text`; empty when there is none, or more than one.
std::string line_with(const ProxyHarness& kite, const std::string& text) {
  std::string found;
  for (const std::string& line : kite.lines.lines) {
    if (line.find("event=connection ") == std::string::npos) continue;
    if (line.find(text) == std::string::npos) continue;
    if (!found.empty()) return {};
    found = line;
  }
  return found;
}

bool wait_for_line(ProxyHarness& kite, const std::string& text) {
  return kite.run_with_time_until([&] { return !line_with(kite, text).empty(); });
}

}  // namespace

TEST_CASE("access log: off, there are no lines") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto pair = kite.connect_through(listener);
  pair.client.reset();
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_reset_total == 1; }));
  CHECK_FALSE(kite.lines.contain("event=connection "));
}

TEST_CASE("access log: a connection that worked has one line with all that is known") {
  ProxyHarness kite(logging());
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto pair = kite.connect_through(listener);
  pair.client.write("four");
  pair.client.shutdown_write();
  CHECK(kite.loop.run_until([&] { return pair.backend.read_some(), pair.backend.saw_eof(); }));
  kite.loop.clock.advance(milliseconds(1500));
  pair.backend.write("seven77");
  pair.backend.shutdown_write();
  CHECK(wait_for_line(kite, "reason=finished"));
  const std::string line = line_with(kite, "reason=finished");
  CAPTURE(line);
  const std::string port = std::to_string(kite.entrance().port());
  CHECK(line.find(" level=info event=connection cx=1 target=service/orders/app port=0 client="
                  "127.0.0.1:") != std::string::npos);
  const std::string backend = listener.endpoint().text();
  CHECK(line.find(" backend=" + backend + " task=task-" + backend + " zone=\"\" ") !=
        std::string::npos);
  CHECK(line.find(" in_bytes=4 out_bytes=7 held_ms=0 connect_ms=0 duration_ms=15") !=
        std::string::npos);
  CHECK(line.find(" tries=1 error=\"\"\n") != std::string::npos);
}

TEST_CASE("access log: who is served by the second backend tried twice") {
  ProxyHarness kite(logging());
  PeerListener good;
  PeerListener bad;
  const sys::Endpoint dead = bad.endpoint();
  bad.close();
  kite.publish({dead, good.endpoint()});
  kite.random.choices = {dead < good.endpoint() ? 0U : 1U};
  auto pair = kite.connect_through(good);
  pair.client.reset();
  CHECK(wait_for_line(kite, "reason=client_reset"));
  CHECK(line_with(kite, "tries=2 error=\"\"").find(good.endpoint().text()) != std::string::npos);
}

TEST_CASE("access log: who could not be served has a line that says why") {
  ProxyHarness kite(logging());
  const Peer early = Peer::connect(kite.entrance());
  CHECK(wait_for_line(kite, "reason=not_discovered_yet"));
  PeerListener bad;
  const sys::Endpoint dead = bad.endpoint();
  bad.close();
  kite.publish({dead});
  const Peer refused = Peer::connect(kite.entrance());
  CHECK(wait_for_line(kite, "reason=every_attempt_failed"));
  const std::string line = line_with(kite, "reason=every_attempt_failed");
  CAPTURE(line);
  CHECK(line.find(" backend=" + dead.text() + " task=\"\"") != std::string::npos);
  CHECK(line.find(" connect_ms=-1 ") != std::string::npos);
  CHECK(line.find("tries=1 error=\"Connection refused") != std::string::npos);
  kite.publish({});
  const Peer late = Peer::connect(kite.entrance());
  CHECK(wait_for_line(kite, "reason=no_backend"));
  CHECK(line_with(kite, "reason=no_backend").find(" backend=\"\" ") != std::string::npos);
}

TEST_CASE("access log: a backend that was not asked for want of a descriptor is not named") {
  PeerListener other;
  auto hole = std::make_unique<testing::BlackHole>();
  // Chance without a script takes the first: that is to be the other one.
  while (hole->endpoint() < other.endpoint()) hole = std::make_unique<testing::BlackHole>();
  ProxyHarness kite(logging());
  kite.publish({other.endpoint(), hole->endpoint()});
  kite.random.choices = {1U};
  const Peer client = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.connections() == 1; }));
  {
    const testing::DescriptorLimit none_left;
    CHECK(wait_for_line(kite, "reason=connect_deadline"));
  }
  const std::string line = line_with(kite, "reason=connect_deadline");
  CAPTURE(line);
  CHECK(line.find(" backend=" + hole->endpoint().text() + " ") != std::string::npos);
  CHECK(line.find(" tries=1 error=\"Too many open files") != std::string::npos);
  CHECK(kite.lines.contain("last_backend=" + hole->endpoint().text()));
}

TEST_CASE("access log: time spent waiting for a backend is told apart") {
  ProxyHarness kite(logging(seconds(10)));
  PeerListener listener;
  Peer served = Peer::connect(kite.entrance());
  Peer leaves = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.waiting() == 2; }));
  kite.loop.clock.advance(seconds(3));
  leaves.reset();
  CHECK(wait_for_line(kite, "reason=client_left"));
  CHECK(line_with(kite, "reason=client_left").find(" held_ms=3") != std::string::npos);
  kite.publish({listener.endpoint()});
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 1; }));
  served.reset();
  CHECK(wait_for_line(kite, "reason=client_reset"));
  const std::string line = line_with(kite, "reason=client_reset");
  CAPTURE(line);
  CHECK(line.find(" held_ms=3") != std::string::npos);
  CHECK(line.find(" duration_ms=3") != std::string::npos);

  Peer cut = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 2; }));
  kite.publish({});
  const Peer waits = Peer::connect(kite.entrance());
  CHECK(kite.loop.run_until([&] { return kite.proxy.waiting() == 1; }));
  kite.proxy.stop();
  CHECK(kite.lines.count("reason=shutdown in_bytes=0 out_bytes=0 held_ms=0 ") == 2);
}

}  // namespace kite::proxy
