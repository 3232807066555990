#include "proxy/hold_room.h"

#include <doctest/doctest.h>

#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;

namespace {

Proxy::Options holding(size_t clients_max = 1024) {
  auto options = ProxyHarness::default_options();
  options.hold = {.wait = seconds(10), .clients_max = clients_max};
  return options;
}

bool all_wait(ProxyHarness& kite, size_t count) {
  return kite.loop.run_until([&] { return kite.proxy.waiting() == count; });
}

bool was_reset(ProxyHarness& kite, Peer& client) {
  return kite.loop.run_until([&] { return client.read_some(), client.saw_reset(); });
}

bool reaches(ProxyHarness& kite, PeerListener& listener, std::string_view words) {
  Peer backend;
  return kite.loop.run_until([&] {
    if (!backend.open()) backend = listener.accept();
    backend.read_some();
    return backend.received() == words;
  });
}

}  // namespace

TEST_CASE("hold: who comes before the first answer waits and is served when a backend is known") {
  ProxyHarness kite(holding());
  PeerListener listener;
  Peer client = Peer::connect(kite.entrance());
  client.write("early");
  CHECK(all_wait(kite, 1));
  CHECK(kite.troubles == 1);  // discovery is asked to look at once
  kite.loop.clock.advance(milliseconds(9900));
  kite.loop.settle();
  kite.publish({listener.endpoint()});
  CHECK(kite.proxy.waiting() == 0);
  CHECK(reaches(kite, listener, "early"));
  CHECK(kite.proxy.stats().held_total == 1);
  CHECK(kite.proxy.stats().held_served_total == 1);
  CHECK(kite.proxy.stats().no_backend_total == 0);
}

TEST_CASE("hold: it is the same when the last backend has left") {
  ProxyHarness kite(holding());
  PeerListener listener;
  kite.publish({listener.endpoint()});
  kite.publish({});
  Peer client = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 1));
  kite.publish({});
  CHECK(kite.proxy.waiting() == 1);
  client.write("patient");
  kite.publish({listener.endpoint()});
  CHECK(reaches(kite, listener, "patient"));
}

TEST_CASE("hold: a wait ends on time, with a reset, a counter and one line") {
  ProxyHarness kite(holding());
  Peer first = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 1));
  kite.loop.clock.advance(seconds(4));
  Peer second = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 2));
  kite.loop.clock.advance(milliseconds(5999));
  kite.loop.settle();
  CHECK(kite.proxy.waiting() == 2);
  kite.loop.clock.advance(milliseconds(1));
  CHECK(was_reset(kite, first));
  CHECK(kite.proxy.waiting() == 1);
  kite.loop.clock.advance(seconds(4));
  CHECK(was_reset(kite, second));
  CHECK(kite.proxy.stats().held_over_total == 2);
  CHECK(kite.proxy.stats().no_backend_total == 2);
  CHECK(kite.budget.open() == 0);
  CHECK(kite.lines.count("event=client_unserved") == 1);
  CHECK(kite.lines.contain("waited_ms=10000"));
}

TEST_CASE("hold: more than may wait are reset at once") {
  ProxyHarness kite(holding(2));
  Peer first = Peer::connect(kite.entrance());
  Peer second = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 2));
  Peer third = Peer::connect(kite.entrance());
  CHECK(was_reset(kite, third));
  CHECK(kite.proxy.waiting() == 2);
  CHECK(kite.proxy.stats().hold_full_total == 1);
  CHECK(kite.budget.open() == 2);
}

TEST_CASE("hold: with 0 nobody waits") {
  ProxyHarness kite;
  Peer client = Peer::connect(kite.entrance());
  CHECK(was_reset(kite, client));
  CHECK(kite.proxy.stats().held_total == 0);
  CHECK(kite.proxy.stats().hold_full_total == 0);
}

TEST_CASE("hold: who leaves is noticed, be it by FIN or by reset") {
  ProxyHarness kite(holding());
  Peer first = Peer::connect(kite.entrance());
  Peer second = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 2));
  first.close();
  CHECK(all_wait(kite, 1));
  second.write("never mind");
  kite.loop.settle();
  second.reset();
  CHECK(all_wait(kite, 0));
  CHECK(kite.proxy.stats().held_left_total == 2);
  CHECK(kite.proxy.stats().no_backend_total == 0);
  CHECK(kite.budget.open() == 0);
}

TEST_CASE("hold: a request that ends with FIN still wants its answer") {
  ProxyHarness kite(holding());
  PeerListener listener;
  Peer client = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 1));
  client.write("request");
  client.shutdown_write();
  kite.loop.settle(20);
  CHECK(kite.proxy.waiting() == 1);
  kite.publish({listener.endpoint()});
  Peer backend;
  CHECK(kite.loop.run_until([&] {
    if (!backend.open()) backend = listener.accept();
    backend.read_some();
    return backend.saw_eof();
  }));
  CHECK(backend.received() == "request");
  backend.write("answer");
  backend.close();
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_eof(); }));
  CHECK(client.received() == "answer");
}

TEST_CASE("hold: many go on in the order they came, a number each turn") {
  ProxyHarness kite(holding());
  PeerListener listener;
  std::vector<Peer> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(Peer::connect(kite.entrance()));
    clients.back().write(std::to_string(i) + ".");
    CHECK(all_wait(kite, clients.size()));
  }
  kite.publish({listener.endpoint()});
  CHECK(kite.proxy.waiting() == 150 - 64);
  kite.loop.reactor.run_turn(sys::Duration::zero());
  CHECK(kite.proxy.waiting() == 150 - 128);
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().tunnels_opened_total == 150; }));
  Peer first = listener.accept();
  CHECK(kite.loop.run_until([&] { return first.read_some(), first.received() == "0."; }));
}

TEST_CASE("hold: who has waited once does not wait again") {
  PeerListener dead;
  const sys::Endpoint refusing = dead.endpoint();
  dead.close();
  ProxyHarness kite(holding());
  Peer client = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 1));
  kite.publish({refusing});  // released, and refused by the only backend
  CHECK(was_reset(kite, client));
  CHECK(kite.proxy.stats().held_served_total == 1);
  CHECK(kite.proxy.waiting() == 0);
}

TEST_CASE("hold: stopping resets those that wait and leaves no descriptor behind") {
  ProxyHarness kite(holding());
  Peer client = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 1));
  kite.proxy.stop();
  CHECK(was_reset(kite, client));
  CHECK(kite.proxy.connections() == 0);
  CHECK(kite.budget.open() == 0);
}

TEST_CASE("hold: those that wait count as connections") {
  ProxyHarness kite(holding(), {}, 1);
  PeerListener listener;
  Peer first = Peer::connect(kite.entrance());
  CHECK(all_wait(kite, 1));
  Peer second = Peer::connect(kite.entrance());
  second.write("second");
  kite.loop.settle(20);
  CHECK(kite.proxy.stats().accepted_total == 1);
  first.close();
  CHECK(kite.loop.run_until([&] { return kite.proxy.stats().accepted_total == 2; }));
  kite.publish({listener.endpoint()});
  CHECK(reaches(kite, listener, "second"));
}

}  // namespace kite::proxy
