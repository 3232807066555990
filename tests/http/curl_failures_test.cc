#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>

#include "http/curl_client.h"
#include "http/curl_failure.h"
#include "http/response_collector.h"
#include "sys/socket.h"
#include "tests/http/probe.h"
#include "tests/support/http_test_server.h"
#include "tests/support/test_loop.h"

namespace kite::http {

using testing::HttpTestServer;
using testing::TestLoop;
using Reply = HttpTestServer::Reply;
using Then = HttpTestServer::Then;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A port on which nobody listens: bound, so that nobody else takes it meanwhile.
struct DeafPort {
  DeafPort() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    const socklen_t length = sys::Endpoint::parse("127.0.0.1", 0).value().to_sockaddr(address);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  }
  std::string text() const { return sys::local_endpoint(fd.get()).text(); }
  sys::OwnedFd fd;
};

}  // namespace

TEST_CASE("curl client: truncated, reset and foreign answers are broken exchanges") {
  const std::vector<Reply> replies = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Then::close},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Then::reset},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Then::close},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Then::close},
      {"", Then::close},
      {"", Then::reset},
      {"SSH-2.0-OpenSSH_9.2\r\n", Then::close}};
  for (const Reply& reply : replies) {
    CAPTURE(reply.bytes);
    TestLoop loop;
    HttpTestServer server(loop.reactor(), always(reply));
    Probe probe(loop);
    const RequestError error = error_of(probe.get(server.url()));
    CHECK(failure_name(error.failure) == "broken");
    CHECK(contains(error.message, "127.0.0.1:" + std::to_string(server.port())));
    CHECK(probe.calls == 1);
  }
}

TEST_CASE("curl client: a server that stays silent ends in a timeout that says how far it came") {
  TestLoop loop;
  HttpTestServer silent(loop.reactor(), always({"", Then::hold}));
  HttpTestServer halfway(loop.reactor(),
                         always({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Then::hold}));
  Probe probe(loop);
  Request request = Probe::request_for(silent.url());
  request.timeout = std::chrono::milliseconds(100);
  RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::timeout);
  CHECK(contains(error.message, "within 100 ms (connected, no byte of the answer came)"));
  request.url = halfway.url();
  error = error_of(probe.get(request));
  CHECK(error.failure == Failure::timeout);
  CHECK(contains(error.message, "the answer began but did not end"));
}

TEST_CASE("curl client: a connect that nobody answers ends at the connect timeout") {
  TestLoop loop;
  // A full backlog drops further SYNs, so these connects stay unanswered.
  DeafPort port;
  REQUIRE(::listen(port.fd.get(), 0) == 0);
  std::vector<sys::OwnedFd> fillers;
  int saved_errno = 0;
  const sys::Endpoint endpoint = sys::local_endpoint(port.fd.get());
  for (int i = 0; i < 3; ++i) fillers.push_back(sys::connect_tcp(endpoint, saved_errno));
  Probe probe(loop);
  Request request = Probe::request_for("http://" + port.text());
  request.connect_timeout = std::chrono::milliseconds(100);
  RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::connect);
  CHECK(contains(error.message, "connecting to " + port.text() + " took longer than 100 ms"));
  request.connect_timeout = std::chrono::milliseconds(1000);
  request.timeout = std::chrono::milliseconds(100);
  error = error_of(probe.get(request));
  CHECK(error.failure == Failure::connect);
  CHECK(contains(error.message, "within 100 ms (still connecting)"));
}

TEST_CASE("curl client: a refused connect names the address and the reason") {
  TestLoop loop;
  DeafPort port;
  Probe probe(loop);
  const RequestError error = error_of(probe.get("http://" + port.text()));
  CHECK(error.failure == Failure::connect);
  CHECK(error.message == "cannot connect to " + port.text() + ": Connection refused");
}

TEST_CASE("curl client: one byte over the body bound is too large, the bound itself is not") {
  TestLoop loop;
  for (const bool chunked : {false, true}) {
    CAPTURE(chunked);
    const std::string head =
        chunked
            ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"
            : HttpTestServer::ok("0123456789");
    HttpTestServer server(loop.reactor(), always({head}));
    Probe probe(loop);
    Request request = Probe::request_for(server.url());
    request.response_bytes_max = 10;
    CHECK(probe.get(request).ok());
    request.response_bytes_max = 9;
    const RequestError error = error_of(probe.get(request));
    CHECK(error.failure == Failure::too_large);
    CHECK(contains(error.message, "larger than 9 bytes"));
  }
}

TEST_CASE("curl client: endless headers are too large") {
  TestLoop loop;
  std::string head = "HTTP/1.1 200 OK\r\n";
  while (head.size() < 2 * ResponseCollector::kHeaderBytesMax) {
    head += "X-Filler: " + std::string(1000, 'f') + "\r\n";
  }
  HttpTestServer server(loop.reactor(), always({head + "Content-Length: 0\r\n\r\n"}));
  Probe probe(loop);
  CHECK(error_of(probe.get(server.url())).failure == Failure::too_large);
}

TEST_CASE("curl client: TLS to a plain port is a TLS failure that names the CA bundle") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({""}));
  server.greeting = "220 this is not TLS\r\n";
  CurlClient::Options options;
  options.ca_bundle = "/etc/ssl/certs/ca-certificates.crt";
  Probe probe(loop, options);
  const RequestError error =
      error_of(probe.get("https://127.0.0.1:" + std::to_string(server.port())));
  CHECK(error.failure == Failure::tls);
  CHECK(contains(error.message, "127.0.0.1:" + std::to_string(server.port())));
  CHECK(contains(error.message, options.ca_bundle));
}

TEST_CASE("curl client: a TLS handshake that hangs ends at the connect timeout") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({""}));
  Probe probe(loop);
  Request request = Probe::request_for("https://127.0.0.1:" + std::to_string(server.port()));
  request.connect_timeout = std::chrono::milliseconds(100);
  RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::timeout);
  CHECK(contains(error.message, "TCP is there, TLS is not"));
  request.connect_timeout = std::chrono::milliseconds(1000);
  request.timeout = std::chrono::milliseconds(100);
  error = error_of(probe.get(request));
  CHECK(error.failure == Failure::timeout);
  CHECK(contains(error.message, "still in the TLS handshake"));
}

TEST_CASE("curl client: a CA bundle that cannot be read is said to be so") {
  TestLoop loop;
  HttpTestServer server(loop.reactor(), always({""}));
  CurlClient::Options options;
  options.ca_bundle = "/nonexistent/bundle.pem";
  Probe probe(loop, options);
  const RequestError error =
      error_of(probe.get("https://127.0.0.1:" + std::to_string(server.port())));
  CHECK(error.failure == Failure::tls);
  CHECK(contains(error.message, "cannot read the CA bundle /nonexistent/bundle.pem"));
  CHECK(contains(error.message, "AWS_CA_BUNDLE"));
}

TEST_CASE("curl client: URLs and headers that cannot be sent are refused before they are") {
  TestLoop loop;
  Probe probe(loop);
  for (const std::string url :
       {"", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd", "http://user:pw@127.0.0.1/",
        "http://", "http://127.0.0.1:99999/", "http://a b/", "/relative"}) {
    CAPTURE(url);
    CHECK(error_of(probe.get(url)).failure == Failure::bad_url);
  }
  Request request = Probe::request_for("http://127.0.0.1:1/");
  request.headers = {{"Authorization", "token\r\nX-Injected: 1"}};
  const RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::bad_url);
  CHECK_FALSE(contains(error.message, "token"));
}

TEST_CASE("curl failure: every group of curl codes has its own meaning") {
  const auto of = [](CURLcode code, bool over_bound = false) {
    FailedTransfer transfer;
    transfer.code = code;
    transfer.host = "h:1";
    transfer.over_bound = over_bound;
    const RequestError error = describe_failure(transfer);
    CHECK(contains(error.message, "h:1"));
    return error.failure;
  };
  CHECK(of(CURLE_URL_MALFORMAT) == Failure::bad_url);
  CHECK(of(CURLE_COULDNT_RESOLVE_HOST) == Failure::resolve);
  CHECK(of(CURLE_COULDNT_CONNECT) == Failure::connect);
  CHECK(of(CURLE_OPERATION_TIMEDOUT) == Failure::connect);  // never connected
  CHECK(of(CURLE_PEER_FAILED_VERIFICATION) == Failure::tls);
  CHECK(of(CURLE_SSL_CACERT_BADFILE) == Failure::tls);
  CHECK(of(CURLE_FILESIZE_EXCEEDED) == Failure::too_large);
  CHECK(of(CURLE_WRITE_ERROR, true) == Failure::too_large);
  CHECK(of(CURLE_WRITE_ERROR) == Failure::broken);
  CHECK(of(CURLE_PARTIAL_FILE) == Failure::broken);
  CHECK(of(CURLE_GOT_NOTHING) == Failure::broken);
}

}  // namespace kite::http
