#include <doctest/doctest.h>

#include "proxy/proxy_header.h"
#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;

namespace {

Proxy::Options speaking(ProxyProtocol version) {
  auto options = ProxyHarness::default_options();
  options.connect.proxy_protocol = version;
  return options;
}

std::string header_of(ProxyHarness& kite, const Peer& client, ProxyProtocol version) {
  return std::string(
      ProxyHeader(version, {sys::local_endpoint(client.fd()), kite.entrance()}).bytes());
}

}  // namespace

TEST_CASE("connector: the PROXY header comes first, then the client's bytes") {
  for (const ProxyProtocol version : {ProxyProtocol::v1, ProxyProtocol::v2}) {
    ProxyHarness kite(speaking(version));
    PeerListener listener;
    kite.publish({listener.endpoint()});
    auto [client, backend] = kite.connect_through(listener);
    const std::string header = header_of(kite, client, version);
    CHECK(kite.loop.run_until(
        [&] { return backend.read_some(), backend.received().size() >= header.size(); }));
    CHECK(backend.received() == header);  // without a word of the client
    client.write("hello");
    CHECK(kite.loop.run_until(
        [&] { return backend.read_some(), backend.received() == header + "hello"; }));
    backend.write("welcome");
    CHECK(kite.loop.run_until([&] { return client.read_some(), client.received() == "welcome"; }));
  }
}

TEST_CASE("connector: a backend that speaks first is heard by a client that got its header sent") {
  ProxyHarness kite(speaking(ProxyProtocol::v1));
  PeerListener listener;
  kite.publish({listener.endpoint()});
  Peer client = Peer::connect(kite.entrance());
  Peer backend;
  CHECK(kite.loop.run_until([&] {
    if (backend.open()) return true;
    backend = listener.accept();
    if (backend.open()) backend.write("banner");  // perhaps before the kite has seen it connected
    return backend.open();
  }));
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.received() == "banner"; }));
}

TEST_CASE("connector: each backend that is tried gets a whole header") {
  ProxyHarness kite(speaking(ProxyProtocol::v1));
  PeerListener refusing;
  const sys::Endpoint dead = refusing.endpoint();
  refusing.close();
  PeerListener listener;
  kite.publish({dead, listener.endpoint()});
  kite.random.choices = {dead < listener.endpoint() ? 0U : 1U};
  auto [client, backend] = kite.connect_through(listener);
  const std::string header = header_of(kite, client, ProxyProtocol::v1);
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.received() == header; }));
  CHECK(kite.proxy.stats().connect_failures_total == 1);
}

}  // namespace kite::proxy
