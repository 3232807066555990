#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/curl_client.h"
#include "tests/support/http_test_server.h"
#include "tests/support/test_loop.h"

namespace kite::http {

/// A client with one request at a time in it, and what came of it.
struct Probe {
  explicit Probe(testing::TestLoop& test_loop, CurlClient::Options options = {})
      : loop(test_loop), client(test_loop.reactor(), std::move(options)) {}

  void start(Request request) {
    outcome.reset();
    ticket = client.start(std::move(request), [this](Outcome result) {
      outcome.emplace(std::move(result));
      ++calls;
    });
    CHECK_MESSAGE(!outcome.has_value(), "start() must not report by itself");
  }
  void start(const std::string& url) { start(request_for(url)); }

  Outcome get(Request request) {
    start(std::move(request));
    REQUIRE(loop.run_until([this] { return outcome.has_value(); }));
    return *outcome;
  }
  Outcome get(const std::string& url) { return get(request_for(url)); }

  static Request request_for(const std::string& url) {
    Request request;
    request.url = url;
    return request;
  }

  testing::TestLoop& loop;
  CurlClient client;
  std::unique_ptr<Ticket> ticket;
  std::optional<Outcome> outcome;
  int calls = 0;
};

inline testing::HttpTestServer::OnRequest always(testing::HttpTestServer::Reply reply) {
  return [reply = std::move(reply)](const std::string&) { return reply; };
}

inline RequestError error_of(const Outcome& outcome) {
  REQUIRE(!outcome.ok());
  return outcome.error();
}

}  // namespace kite::http
