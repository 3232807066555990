#include "admin/admin_request.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::admin {

namespace {

AdminRequest parse(std::string_view bytes) {
  return parse_request(bytes, HostRule::local_names);
}
RequestVerdict judge(std::string_view bytes) {
  return parse(bytes).verdict;
}

}  // namespace

TEST_CASE("admin request: GET and HEAD of both versions are read") {
  const std::string get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
  CHECK(judge(get) == RequestVerdict::ok);
  CHECK(parse(get).path == "/metrics");
  CHECK_FALSE(parse(get).head_only);
  CHECK(parse("HEAD / HTTP/1.0\r\n\r\n").head_only);
  CHECK(judge("HEAD / HTTP/1.0\r\n\r\n") == RequestVerdict::ok);
  CHECK(parse("GET /backends?x=/y HTTP/1.0\n\n").path == "/backends");
  CHECK(judge("\r\nGET / HTTP/1.0\n\n") == RequestVerdict::ok);
}

TEST_CASE("admin request: every beginning of a request waits for the rest") {
  const std::string whole = "GET / HTTP/1.1\r\nHost: 127.0.0.1:9902\r\nA: b\r\n\r\n";
  for (size_t length = 0; length < whole.size() - 1; ++length) {
    CAPTURE(length);
    const RequestVerdict verdict = judge(whole.substr(0, length));
    CHECK(verdict == RequestVerdict::incomplete);
  }
  CHECK(judge(whole + "GET /next") == RequestVerdict::ok);  // what follows is not looked at
}

TEST_CASE("admin request: what is no request is refused as soon as its line is there") {
  CHECK(judge("hello\r\n") == RequestVerdict::bad);
  CHECK(judge("GET /\r\n") == RequestVerdict::bad);
  CHECK(judge("GET  HTTP/1.1\r\n") == RequestVerdict::bad);
  CHECK(judge("GET /a b HTTP/1.1\r\n") == RequestVerdict::bad);
  CHECK(judge("GET http://localhost/ HTTP/1.1\r\n") == RequestVerdict::bad);
  CHECK(judge("G(T / HTTP/1.1\r\n") == RequestVerdict::bad);
  CHECK(judge("GET /\x01 HTTP/1.1\r\n") == RequestVerdict::bad);
  CHECK(judge("GET / HTTQ/1.1\r\n") == RequestVerdict::bad);
  CHECK(judge("GET / HTTP/2.0\r\n") == RequestVerdict::version_refused);
  CHECK(judge("POST / HTTP/1.1\r\n") == RequestVerdict::method_refused);
  CHECK(judge("get / HTTP/1.1\r\n") == RequestVerdict::method_refused);
  CHECK(judge("\x16\x03\x01\x02\n") == RequestVerdict::bad);  // somebody speaks TLS
}

TEST_CASE("admin request: headers that could be read in two ways are refused") {
  const auto with = [](const std::string& headers) {
    return judge("GET / HTTP/1.1\r\n" + headers + "\r\n");
  };
  CHECK(with("Host: localhost\r\nA: b\r\n") == RequestVerdict::ok);
  CHECK(with("Host: localhost\r\nHost: localhost\r\n") == RequestVerdict::bad);
  CHECK(with("Host: localhost\r\n folded\r\n") == RequestVerdict::bad);
  CHECK(with("Host : localhost\r\n") == RequestVerdict::bad);
  CHECK(with("Host: localhost\r\nnothing\r\n") == RequestVerdict::bad);
  CHECK(with("Host: localhost\r\nA: \x01\r\n") == RequestVerdict::bad);
  CHECK(with("A: b\r\n") == RequestVerdict::bad);  // HTTP/1.1 must say for whom
}

TEST_CASE("admin request: only so many bytes are read") {
  const std::string start = "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: ";
  CHECK(judge(start + std::string(8000, 'x')) == RequestVerdict::incomplete);
  CHECK(judge(start + std::string(8000, 'x') + "\r\n\r\n") == RequestVerdict::ok);
  CHECK(judge(start + std::string(9000, 'x')) == RequestVerdict::too_large);
  CHECK(judge(start + std::string(9000, 'x') + "\r\n\r\n") == RequestVerdict::too_large);
  CHECK(judge(std::string(9000, 'x')) == RequestVerdict::too_large);
}

TEST_CASE("admin request: a host is local by address or as localhost") {
  for (const char* host : {"localhost", "LocalHost:9902", "127.0.0.1", "127.0.0.1:9902",
                           "10.1.2.3:80", "[::1]", "[::1]:9902", "[fd00::7]:9902", "localhost:"}) {
    CAPTURE(host);
    CHECK(is_local_host(host));
  }
  for (const char* host :
       {"", "evil.example", "evil.example:9902", "localhost.evil.example", "127.0.0.1.evil.example",
        "localhost.", "::1", "[::1", "[127.0.0.1]", "127.0.0.1:x", "127.0.0.1:999999", "127.1",
        "0x7f.0.0.1", "localhost@evil.example", " localhost"}) {
    CAPTURE(host);
    CHECK_FALSE(is_local_host(host));
  }
}

TEST_CASE("admin request: a foreign host is refused on TCP and of no matter on a unix socket") {
  const std::string request = "GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n";
  CHECK(parse_request(request, HostRule::local_names).verdict == RequestVerdict::foreign_host);
  CHECK(parse_request(request, HostRule::any).verdict == RequestVerdict::ok);
}

}  // namespace kite::admin
