#include "http/proxy_rules.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::http {
namespace {

using Variables = sys::Environment::Variables;

ProxyRules rules(Variables variables) {
  const auto read = ProxyRules::read(sys::Environment(std::move(variables)));
  if (!read.ok()) FAIL(read.error().message);
  return *read;
}

/// "direct", or the proxy's place.
std::string way(const ProxyRules& given, std::string_view host, bool https = true,
                std::string_view port = "443") {
  const ProxyServer* proxy = given.proxy_for(https, host, port);
  return proxy == nullptr ? "direct" : proxy->host + ":" + proxy->port;
}

std::string problem(Variables variables) {
  const auto read = ProxyRules::read(sys::Environment(std::move(variables)));
  return read.ok() ? "" : read.error().message;
}

}  // namespace

TEST_CASE("proxy rules: each scheme has its variable, lower case counts first") {
  const ProxyRules both = rules({{"HTTPS_PROXY", "http://s:1"}, {"http_proxy", "h:2"}});
  CHECK(way(both, "ecs.eu-west-1.amazonaws.com") == "s:1");
  CHECK(way(both, "ecs.eu-west-1.amazonaws.com", false) == "h:2");
  CHECK(way(rules({{"HTTPS_PROXY", "http://upper"}, {"https_proxy", "http://lower"}}), "a") ==
        "lower:80");
  CHECK(way(rules({{"https_proxy", ""}}), "a") == "direct");
  CHECK_FALSE(rules({}).any());
}

TEST_CASE("proxy rules: user and password are taken out, and stay out of messages") {
  const ProxyRules given = rules({{"HTTPS_PROXY", "http://me%40x:pa%3Ass@[fd00::1]:3128/"}});
  const ProxyServer* proxy = given.proxy_for(true, "a", "443");
  REQUIRE(proxy != nullptr);
  CHECK(proxy->user == "me@x");
  CHECK(proxy->password == "pa:ss");
  CHECK(proxy->text() == "[fd00::1]:3128 (HTTPS_PROXY)");
  const std::string refused = problem({{"HTTPS_PROXY", "socks5://me:secret@a:1"}});
  CHECK(refused.starts_with("HTTPS_PROXY is not a proxy that can be used"));
  CHECK(refused.find("secret") == std::string::npos);
  for (const char* url : {"https://a", "http://", "http://a:0x", ":", "http://a b"}) {
    CAPTURE(url);
    CHECK_FALSE(problem({{"http_proxy", url}}).empty());
  }
}

TEST_CASE("proxy rules: loopback and the places of metadata are always direct") {
  const ProxyRules given = rules({{"HTTPS_PROXY", "http://p"}, {"HTTP_PROXY", "http://p"}});
  for (const char* host : {"localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9",
                           "::1", "169.254.169.254", "169.254.170.2", "169.254.170.23",
                           "fd00:ec2::254", "fd00:ec2::23", "fe80::1"}) {
    CAPTURE(host);
    CHECK(way(given, host, false) == "direct");
  }
  for (const char* host : {"10.0.0.1", "169.253.0.1", "fd00:ec3::1", "localhost.example", "::2"}) {
    CAPTURE(host);
    CHECK(way(given, host, false) == "p:80");
  }
}

TEST_CASE("proxy rules: NO_PROXY holds names, addresses, networks and ports") {
  const auto direct = [](const char* no_proxy, std::string_view host,
                         std::string_view port = "443") {
    return way(rules({{"HTTPS_PROXY", "http://p"}, {"NO_PROXY", no_proxy}}), host, true, port) ==
           "direct";
  };
  CHECK(direct("*", "anything"));
  CHECK(direct("amazonaws.com", "ecs.eu-west-1.amazonaws.com"));
  CHECK(direct("x, Amazonaws.COM ,y", "AMAZONAWS.com."));
  CHECK_FALSE(direct("amazonaws.com", "evilamazonaws.com"));
  CHECK(direct(".amazonaws.com", "ecs.amazonaws.com"));
  CHECK_FALSE(direct(".amazonaws.com", "amazonaws.com"));
  CHECK(direct("*.amazonaws.com", "ecs.amazonaws.com"));
  CHECK(direct("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(direct("10.0.0.1", "10.0.0.10"));
  CHECK(direct("10.0.0.0/8", "10.9.9.9"));
  CHECK_FALSE(direct("10.0.0.0/8", "11.0.0.1"));
  CHECK(direct("10.1.240.0/20", "10.1.255.1"));
  CHECK_FALSE(direct("10.1.240.0/20", "10.1.239.1"));
  CHECK(direct("fd00::/8", "fdff::1"));
  CHECK(direct("fd00::1", "fd00::1"));
  CHECK(direct("0.0.0.0/0", "1.2.3.4"));
  CHECK_FALSE(direct("0.0.0.0/0", "fd00::1"));
  CHECK(direct("a:8443", "a", "8443"));
  CHECK_FALSE(direct("a:8443", "a"));
  CHECK(direct("[fd00::1]:443", "fd00::1"));
  for (const char* odd : {"", ",", ".", "10.0.0.0/33", "10.0.0.0/x", "name/8", " , ;"}) {
    CAPTURE(odd);
    CHECK_FALSE(direct(odd, "10.0.0.1"));
  }
}

}  // namespace kite::http
