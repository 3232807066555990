#include <doctest/doctest.h>

#include <string>

#include "http/curl_client.h"
#include "sys/socket.h"
#include "tests/http/probe.h"
#include "tests/support/dns_test_server.h"
#include "tests/support/http_test_server.h"
#include "tests/support/test_loop.h"

namespace kite::http {

using testing::DnsTestServer;
using testing::HttpTestServer;
using testing::TestLoop;
using Then = HttpTestServer::Then;

namespace {

/// After a cancel: no callback ever, and the client still works.
void check_silence_and_health(Probe& probe) {
  probe.ticket.reset();
  probe.loop.settle(10);
  CHECK(probe.calls == 0);
  CHECK(probe.client.exchanges() == 0);
  HttpTestServer healthy(probe.loop.reactor(), always({HttpTestServer::ok("{}")}));
  CHECK(probe.get(healthy.url()).ok());
}

}  // namespace

TEST_CASE("curl client: cancel during the start delay") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}));
  Probe probe(loop);
  Request request = Probe::request_for(server.url());
  request.start_delay = std::chrono::milliseconds(1);
  probe.start(request);
  check_silence_and_health(probe);
  CHECK(server.accepted() == 0);
}

TEST_CASE("curl client: cancel while the name is being resolved") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.silent = true;
  CurlClient::Options options;
  options.resolver.servers = dns.address();
  Probe probe(loop, options);
  probe.start("http://slow.test/");
  REQUIRE(loop.run_until([&] { return dns.questions() > 0; }));
  check_silence_and_health(probe);
}

TEST_CASE("curl client: cancel between the answer of DNS and its delivery") {
  TestLoop loop;
  Probe probe(loop);
  probe.start("http://localhost:1/");  // answered at once, delivered by the next turn
  check_silence_and_health(probe);
}

TEST_CASE("curl client: cancel while connecting") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}));
  Probe probe(loop);
  probe.start(server.url());
  check_silence_and_health(probe);
}

TEST_CASE("curl client: cancel while waiting for the answer") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({"", Then::hold}));
  Probe probe(loop);
  probe.start(server.url());
  REQUIRE(loop.run_until([&] { return !server.requests().empty(); }));
  check_silence_and_health(probe);
  CHECK(loop.run_until([&] { return server.open() == 0; }));  // not kept for reuse
}

TEST_CASE("curl client: cancel in the middle of the body") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(),
                        always({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Then::hold}));
  Probe probe(loop);
  probe.start(server.url());
  REQUIRE(loop.run_until([&] { return !server.requests().empty(); }));
  loop.settle();
  check_silence_and_health(probe);
}

TEST_CASE("curl client: cancel a request that waits for a free connection") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({"", Then::hold}));
  CurlClient::Options options;
  options.connections_per_host_max = 1;
  Probe probe(loop, options);
  const auto first =
      probe.client.start(Probe::request_for(server.url()), [](const Outcome&) { CHECK(false); });
  REQUIRE(loop.run_until([&] { return !server.requests().empty(); }));
  probe.start(server.url());
  loop.settle();
  probe.ticket.reset();
  loop.settle();
  CHECK(probe.calls == 0);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("curl client: a callback may cancel another request that is about to report") {
  TestLoop loop;
  Probe probe(loop);
  std::unique_ptr<Ticket> tickets[2];
  int calls = 0;
  for (std::unique_ptr<Ticket>& ticket : tickets) {
    ticket = probe.client.start(Probe::request_for("no url"), [&](const Outcome&) {
      ++calls;
      for (std::unique_ptr<Ticket>& each : tickets) each.reset();
    });
  }
  loop.settle();
  CHECK(calls == 1);
}

}  // namespace kite::http
