#include "http/curl_client.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/http/probe.h"
#include "tests/support/http_test_server.h"
#include "tests/support/test_loop.h"

namespace kite::http {

using testing::HttpTestServer;
using testing::TestLoop;
using Reply = HttpTestServer::Reply;
using Then = HttpTestServer::Then;

TEST_CASE("curl client: an answer comes back whole, with status and headers") {
  TestLoop loop;
  HttpTestServer server(
      loop.reactor(),
      always({"HTTP/1.1 404 Not Found\r\nx-amzn-RequestId: r-1\r\nContent-Length: 3\r\n\r\nabc"}));
  Probe probe(loop);
  const Outcome outcome = probe.get(server.url("/a?b=c"));
  REQUIRE(outcome.ok());
  CHECK(outcome.value().status == 404);
  CHECK(outcome.value().body == "abc");
  CHECK(outcome.value().header("X-AMZN-REQUESTID") == "r-1");
  CHECK(outcome.value().header("absent").empty());
  CHECK(server.requests().at(0).starts_with("GET /a?b=c HTTP/1.1\r\n"));
}

TEST_CASE("curl client: sends what it was given and nothing it was not told to") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("")}));
  Probe probe(loop);
  Request request;
  request.url = server.url();
  request.method = Method::post;
  request.body = std::string(3000, 'x');  // above the size at which curl would expect a 100
  request.headers = {{"X-Amz-Target", "T"}, {"X-Empty", ""}, {"Host", "example.test"}};
  REQUIRE(probe.get(request).ok());
  const std::string& sent = server.requests().at(0);
  CHECK(sent.starts_with("POST / HTTP/1.1\r\nHost: example.test\r\n"));
  CHECK(sent.find("\r\nUser-Agent: ecs-task-kite/") != std::string::npos);
  CHECK(sent.find("\r\nX-Amz-Target: T\r\n") != std::string::npos);
  CHECK(sent.find("\r\nX-Empty:\r\n") != std::string::npos);
  CHECK(sent.find("\r\nContent-Length: 3000\r\n") != std::string::npos);
  CHECK(sent.find("Content-Type") == std::string::npos);
  CHECK(sent.find("Expect") == std::string::npos);
  CHECK(sent.find("Accept-Encoding") == std::string::npos);

  Request put;
  put.url = server.url("/latest/api/token");
  put.method = Method::put;
  REQUIRE(probe.get(put).ok());
  CHECK(server.requests().at(1).starts_with("PUT /latest/api/token HTTP/1.1\r\n"));
  CHECK(server.requests().at(1).find("\r\nContent-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("curl client: ten requests in a row use one connection") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}));
  Probe probe(loop);
  for (int i = 0; i < 10; ++i) REQUIRE(probe.get(server.url()).ok());
  CHECK(server.requests().size() == 10);
  CHECK(server.accepted() == 1);
  loop.settle();
  CHECK(loop.reactor().timers().size() == 0);  // an idle client wakes nobody
}

TEST_CASE("curl client: a kept connection that the server closed is replaced without an error") {
  TestLoop loop;
  int seen = 0;
  HttpTestServer server(loop.reactor(), [&seen](const std::string&) {
    return Reply{HttpTestServer::ok("{}"), ++seen == 1 ? Then::close : Then::keep};
  });
  Probe probe(loop);
  REQUIRE(probe.get(server.url()).ok());
  REQUIRE(loop.run_until([&] { return server.open() == 0; }));
  CHECK(probe.get(server.url()).ok());
  CHECK(server.accepted() == 2);
}

TEST_CASE("curl client: chunked answers, their trailers and 1xx blocks are read right") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(),
                        always({"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: real\r\n"
                                "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Kind: trailer\r\n\r\n"}));
  Probe probe(loop);
  const Outcome outcome = probe.get(server.url());
  REQUIRE(outcome.ok());
  CHECK(outcome.value().body == "abcde");
  CHECK(outcome.value().header("X-Kind") == "real");
  CHECK(outcome.value().header("X-Early").empty());
  CHECK(outcome.value().headers.size() == 2);
}

TEST_CASE("curl client: a redirect is an answer like any other") {
  TestLoop loop;
  HttpTestServer server(
      loop.reactor(),
      always({"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"}));
  Probe probe(loop);
  const Outcome outcome = probe.get(server.url());
  REQUIRE(outcome.ok());
  CHECK(outcome.value().status == 302);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("curl client: an IPv6 literal needs no lookup") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("six")}), "::1");
  Probe probe(loop);
  const Outcome outcome = probe.get(server.url());
  REQUIRE(outcome.ok());
  CHECK(outcome.value().body == "six");
  CHECK(server.url().starts_with("http://[::1]:"));
  CHECK(probe.client.resolver_stats().lookups == 0);
}

TEST_CASE("curl client: fifty requests at once share few connections and all end well") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}));
  CurlClient::Options options;
  options.connections_per_host_max = 4;
  CurlClient client(loop.reactor(), options);
  std::vector<std::unique_ptr<Ticket>> tickets;
  int good = 0;
  for (int i = 0; i < 50; ++i) {
    tickets.push_back(client.start(Probe::request_for(server.url("/" + std::to_string(i))),
                                   [&good](const Outcome& outcome) { good += outcome.ok(); }));
  }
  CHECK(loop.run_until([&] { return good == 50; }));
  CHECK(server.requests().size() == 50);
  CHECK(server.open_max() <= 4);
}

TEST_CASE("curl client: waiting for a free connection is not held against the connect timeout") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({"", Then::hold}));
  CurlClient::Options options;
  options.connections_per_host_max = 1;
  CurlClient client(loop.reactor(), options);
  Request stuck = Probe::request_for(server.url());
  stuck.timeout = std::chrono::milliseconds(300);
  Request patient = Probe::request_for(server.url());
  patient.connect_timeout = std::chrono::milliseconds(100);
  patient.timeout = std::chrono::milliseconds(600);
  std::vector<RequestError> errors;
  const auto keep = [&errors](const Outcome& outcome) { errors.push_back(error_of(outcome)); };
  const auto first = client.start(stuck, keep);
  const auto second = client.start(patient, keep);
  REQUIRE(loop.run_until([&] { return errors.size() == 2; }));
  CHECK(errors[1].failure == Failure::timeout);
  CHECK(errors[1].message.find("no byte of the answer came") != std::string::npos);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("curl client: a callback may end its own ticket and start the next request") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}));
  CurlClient client(loop.reactor(), {});
  std::unique_ptr<Ticket> ticket;
  int done = 0;
  OnDone again = [&](const Outcome& outcome) {
    CHECK(outcome.ok());
    ticket.reset();
    if (++done < 3) ticket = client.start(Probe::request_for(server.url()), again);
  };
  ticket = client.start(Probe::request_for(server.url()), again);
  CHECK(loop.run_until([&] { return done == 3; }));
  CHECK(client.exchanges() == 0);
}

TEST_CASE("curl client: a start delay passes before anything is sent") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}));
  Probe probe(loop);
  Request request = Probe::request_for(server.url());
  request.start_delay = std::chrono::milliseconds(150);
  request.timeout = std::chrono::milliseconds(100);  // counts from the start, not from the call
  const sys::SystemClock clock;
  const sys::SteadyTime began = clock.steady_now();
  CHECK(probe.get(request).ok());
  CHECK(clock.steady_now() - began >= std::chrono::milliseconds(150));
}

TEST_CASE("curl client: answers that arrive at once are handed over one a turn") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("abc")}));
  CurlClient client(loop.reactor(), {});
  std::vector<uint64_t> turns;
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (int i = 0; i < 4; ++i) {
    tickets.push_back(client.start(Probe::request_for(server.url()), [&](const Outcome& outcome) {
      CHECK(outcome.ok());
      turns.push_back(loop.reactor().stats().turns);
    }));
  }
  REQUIRE(loop.run_until([&] { return turns.size() == 4; }));
  CHECK(std::adjacent_find(turns.begin(), turns.end()) == turns.end());
}

}  // namespace kite::http
