#include "admin/admin_server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "sys/unix_socket.h"
#include "tests/support/loop_harness.h"
#include "tests/support/peer.h"

namespace kite::admin {

namespace {

using testing::Peer;

/// Says what was asked for, or as many bytes as it is told to.
class EchoPages final : public AdminPages {
 public:
  AdminResponse answer(std::string_view path) override {
    ++answered;
    AdminResponse response;
    response.body = bytes > 0 ? std::string(bytes, 'x') : std::string(path);
    return response;
  }
  size_t bytes = 0;
  int answered = 0;
};

struct ServerHarness {
  explicit ServerHarness(size_t connections_max = 4)
      : server(loop.reactor, pages, connections_max) {
    const auto started = server.start({sys::Endpoint::parse("127.0.0.1", 0).value(), {}});
    REQUIRE(started.ok());
  }
  ~ServerHarness() {
    server.stop();
    loop.settle();
  }

  Peer connect() { return Peer::connect(server.endpoint()); }
  /// Until the client has seen the end; what it received.
  std::string exchange(Peer& client, std::string_view request) {
    client.write(request);
    CHECK(loop.run_until([&] {
      client.read_some();
      return client.saw_eof() || client.saw_reset();
    }));
    return client.received();
  }
  std::string ask(std::string_view request) {
    Peer client = connect();
    return exchange(client, request);
  }

  testing::LoopHarness loop;
  EchoPages pages;
  AdminServer server;
};

sys::OwnedFd connect_to(const std::string& path) {
  sockaddr_storage address{};
  socklen_t length = 0;
  CHECK(sys::fill_unix_address(path, address, length));
  sys::OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  CHECK(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  return fd;
}

constexpr std::string_view kGet = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace

TEST_CASE("admin server: a request gets its page and the end") {
  ServerHarness harness;
  Peer client = harness.connect();
  const std::string answer = harness.exchange(client, kGet);
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("\r\nContent-Length: 5\r\n") != std::string::npos);
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(answer.find("\r\nContent-Security-Policy: default-src 'none'") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n/page"));
  CHECK(client.saw_eof());
  client.close();
  CHECK(harness.loop.run_until([&] { return harness.server.connections() == 0; }));
}

TEST_CASE("admin server: HEAD gets the head of the same answer") {
  ServerHarness harness;
  const std::string answer = harness.ask("HEAD /page HTTP/1.0\r\n\r\n");
  CHECK(answer.find("\r\nContent-Length: 5\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("admin server: a request may come byte by byte") {
  ServerHarness harness;
  Peer client = harness.connect();
  for (const char byte : kGet.substr(0, kGet.size() - 1)) {
    client.write(std::string_view(&byte, 1));
    harness.loop.settle(1);
  }
  CHECK(harness.pages.answered == 0);
  CHECK(harness.exchange(client, "\n").ends_with("/page"));
}

TEST_CASE("admin server: refusals say why and reach no page") {
  ServerHarness harness(20);
  CHECK(harness.ask("POST / HTTP/1.1\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(harness.ask("POST / HTTP/1.1\r\n").find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
  CHECK(harness.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").starts_with("HTTP/1.1 421 "));
  CHECK(harness.ask("GET / HTTP/3.0\r\n\r\n").starts_with("HTTP/1.1 505 "));
  CHECK(harness.ask("\x16\x03\x01\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(harness.ask(std::string(9000, 'x')).starts_with("HTTP/1.1 431 "));
  CHECK(harness.pages.answered == 0);
  CHECK(harness.server.stats().refused_total == 6);
}

TEST_CASE("admin server: what follows a request is not answered and costs no reset") {
  ServerHarness harness;
  Peer client = harness.connect();
  const std::string pipelined = std::string(kGet) + std::string(kGet) + std::string(20'000, 'x');
  const std::string answer = harness.exchange(client, pipelined);
  CHECK(answer.ends_with("/page"));
  CHECK(harness.pages.answered == 1);
  CHECK_FALSE(client.saw_reset());
}

TEST_CASE("admin server: a client that says nothing, or takes nothing, is dropped in time") {
  ServerHarness harness;
  Peer silent = harness.connect();
  CHECK(harness.loop.run_until([&] { return harness.server.connections() == 1; }));
  harness.loop.clock.advance(AdminConnection::kRequestTime);
  CHECK(harness.loop.run_until([&] { return harness.server.connections() == 0; }));
  CHECK(harness.server.stats().timed_out_total == 1);

  harness.pages.bytes = 8U << 20;  // more than the kernel takes
  Peer deaf = Peer::connect(harness.server.endpoint(), 4096);
  deaf.write(kGet);
  CHECK(harness.loop.run_until([&] { return harness.pages.answered == 1; }));
  harness.loop.clock.advance(AdminConnection::kRequestTime);
  harness.loop.settle();
  CHECK(harness.server.connections() == 1);
  harness.loop.clock.advance(AdminConnection::kAnswerTime);
  CHECK(harness.loop.run_until([&] { return harness.server.connections() == 0; }));
  CHECK(harness.server.stats().timed_out_total == 2);
}

TEST_CASE("admin server: a large answer arrives whole at a client that reads") {
  ServerHarness harness;
  harness.pages.bytes = 8U << 20;
  Peer client = Peer::connect(harness.server.endpoint(), 4096);
  const std::string answer = harness.exchange(client, kGet);
  CHECK(answer.size() > harness.pages.bytes);
  CHECK(client.saw_eof());
}

TEST_CASE("admin server: a full house makes room for the newest") {
  ServerHarness harness(4);
  std::vector<Peer> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(harness.connect());
    harness.loop.clock.advance(std::chrono::milliseconds(50));
    CHECK(harness.loop.run_until(
        [&] { return harness.server.stats().accepted_total == static_cast<uint64_t>(i) + 1; }));
  }
  CHECK(harness.ask(kGet).ends_with("/page"));
  CHECK(harness.server.stats().evicted_total == 1);
  silent[0].read_some();
  CHECK((silent[0].saw_eof() || silent[0].saw_reset()));
  silent[1].read_some();
  CHECK_FALSE(silent[1].saw_eof());
}

TEST_CASE("admin server: accepting keeps a pace, a burst aside") {
  ServerHarness harness(4);
  std::vector<Peer> crowd;
  for (int i = 0; i < 30; ++i) crowd.push_back(harness.connect());
  harness.loop.settle(50);
  const uint64_t burst = harness.server.stats().accepted_total;
  CHECK(burst == 3);  // half of the places, and the one whose turn it is
  for (int step = 0; step < 10; ++step) {
    harness.loop.clock.advance(std::chrono::milliseconds(20));
    harness.loop.settle();
  }
  CHECK(harness.server.stats().accepted_total == burst + 10);
  CHECK(harness.server.connections() <= 4);
}

TEST_CASE("admin server: a taken port is told with what to do") {
  ServerHarness harness;
  AdminServer second(harness.loop.reactor, harness.pages, 4);
  const auto started = second.start({harness.server.endpoint(), {}});
  REQUIRE_FALSE(started.ok());
  const std::string& message = started.error().message;
  CHECK(message.find(harness.server.endpoint().text()) != std::string::npos);
  CHECK(message.find("-admin=127.0.0.1:PORT") != std::string::npos);
  CHECK(message.find("-admin=off") != std::string::npos);
}

TEST_CASE("admin server: a unix socket serves whatever the Host, and the next server takes it over") {
  testing::LoopHarness loop;
  EchoPages pages;
  const std::string path = "/tmp/kite-admin-" + std::to_string(::getpid());
  for (int round = 0; round < 2; ++round) {
    AdminServer server(loop.reactor, pages, 4);
    REQUIRE(server.start({{}, path}).ok());
    Peer client(connect_to(path));
    REQUIRE(client.open());
    client.write("GET /page HTTP/1.1\r\nHost: any.example\r\n\r\n");
    CHECK(loop.run_until([&] {
      client.read_some(1024);
      return client.received().ends_with("/page");
    }));
  }
  REQUIRE(::unlink(path.c_str()) == 0);
}

}  // namespace kite::admin
