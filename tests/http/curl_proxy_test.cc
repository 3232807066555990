#include <doctest/doctest.h>

#include <string>

#include "http/curl_client.h"
#include "tests/http/probe.h"
#include "tests/support/http_test_server.h"
#include "tests/support/test_loop.h"

namespace kite::http {

using testing::HttpTestServer;
using testing::TestLoop;

namespace {

CurlClient::Options through(const std::string& proxy, const std::string& no_proxy = "") {
  const auto rules = ProxyRules::read(
      sys::Environment({{"HTTPS_PROXY", proxy}, {"HTTP_PROXY", proxy}, {"NO_PROXY", no_proxy}}));
  REQUIRE(rules.ok());
  CurlClient::Options options;
  options.proxies = *rules;
  options.resolver.servers = "127.0.0.1:9";  // nobody: the targets' names are the proxy's affair
  return options;
}

}  // namespace

TEST_CASE("curl proxy: a plain request goes to the proxy by its name, whole and with the login") {
  TestLoop loop;
  HttpTestServer proxy(loop.reactor(), always({HttpTestServer::ok("through")}));
  const std::string port = std::to_string(proxy.port());
  Probe probe(loop, through("http://me:pass@localhost:" + port));
  const Outcome outcome = probe.get("http://api.example.test:8080/x");
  REQUIRE(outcome.ok());
  CHECK(outcome->body == "through");
  const std::string& sent = proxy.requests().at(0);
  CHECK(sent.starts_with("GET http://api.example.test:8080/x HTTP/1.1\r\n"));
  CHECK(sent.find("\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n") != std::string::npos);
}

TEST_CASE(
    "curl proxy: a secure request asks for a tunnel and shows the proxy none of its headers") {
  TestLoop loop;
  HttpTestServer proxy(loop.reactor(), always({"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"}));
  Probe probe(
      loop, through("http://me:pass@" + std::string("127.0.0.1:") + std::to_string(proxy.port())));
  Request request = Probe::request_for("https://api.example.test/x");
  request.headers = {{"Authorization", "AWS4-SECRET"}, {"Host", "api.example.test"}};
  const RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::connect);
  CHECK(error.message == "no connection to api.example.test:443 through the proxy 127.0.0.1:" +
                             std::to_string(proxy.port()) +
                             " (HTTPS_PROXY): it answers HTTP 407 to CONNECT; check the user name "
                             "and the password");
  const std::string& sent = proxy.requests().at(0);
  CHECK(sent.starts_with("CONNECT api.example.test:443 HTTP/1.1\r\n"));
  CHECK(sent.find("AWS4-SECRET") == std::string::npos);
}

TEST_CASE("curl proxy: what is direct, by its request or by the rules, does not meet the proxy") {
  TestLoop loop;
  HttpTestServer proxy(loop.reactor(), always({HttpTestServer::ok("through")}));
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("direct")}));
  Probe probe(loop, through("127.0.0.1:" + std::to_string(proxy.port())));
  CHECK(probe.get(server.url())->body == "direct");
  Request request = Probe::request_for("http://api.example.test/");
  request.direct = true;
  CHECK(error_of(probe.get(request)).failure == Failure::resolve);
  CHECK(proxy.requests().empty());
}

TEST_CASE("curl proxy: one that is not there or silent is named") {
  TestLoop loop;
  Probe refused(loop, through("http://127.0.0.1:9"));
  CHECK(error_of(refused.get("http://api.example.test/")).message ==
        "cannot connect to api.example.test:80 through the proxy 127.0.0.1:9 (HTTP_PROXY): "
        "Connection refused");
  HttpTestServer silent(loop.reactor(), always({"", HttpTestServer::Then::hold}));
  Probe probe(loop, through("http://127.0.0.1:" + std::to_string(silent.port())));
  Request request = Probe::request_for("https://api.example.test/");
  request.timeout = std::chrono::milliseconds(50);
  const RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::timeout);
  CHECK(error.message.find("through the proxy 127.0.0.1:") != std::string::npos);
  Probe unknown(loop, through("http://proxy.example.test:3128"));
  CHECK(error_of(unknown.get("http://api.example.test/"))
            .message.starts_with("the proxy proxy.example.test:3128 (HTTP_PROXY) is not found: "));
}

}  // namespace kite::http
