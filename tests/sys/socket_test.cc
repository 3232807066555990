#include "sys/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/support/death.h"
#include "tests/support/descriptor_limit.h"
#include "tests/support/loop_harness.h"

namespace kite::sys {

namespace {

Endpoint loopback(uint16_t port = 0) {
  return Endpoint::parse("127.0.0.1", port).value();
}

bool wait_for(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return ::poll(&entry, 1, 10'000) == 1;
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &length) == 0);
  return value;
}

/// A listener with one connected pair of sockets.
struct Connection {
  explicit Connection(const Endpoint& at = loopback(), const ListenOptions& options = {})
      : listener(std::move(listen_tcp(at, options).value())) {
    int saved_errno = 0;
    client = connect_tcp(local_endpoint(listener.get()), saved_errno);
    REQUIRE(client.valid());
    REQUIRE(wait_for(listener.get(), POLLIN));
    REQUIRE(accept_tcp(listener.get(), server, peer, saved_errno) == AcceptStep::accepted);
  }
  testing::FdCensus census;
  OwnedFd listener;
  OwnedFd client;
  OwnedFd server;
  Endpoint peer;
};

bool has_ipv6() {
  return listen_tcp(Endpoint::parse("::1", 0).value(), {}).ok();
}

/// The end of a failed connect, whether the kernel told it at once or later.
int connect_error(const Endpoint& endpoint) {
  int saved_errno = 0;
  const OwnedFd fd = connect_tcp(endpoint, saved_errno);
  if (!fd.valid()) return saved_errno;
  REQUIRE(wait_for(fd.get(), POLLOUT));
  return take_pending_error(fd.get());
}

}  // namespace

TEST_CASE("socket: listen, connect and accept make a pair that knows its addresses") {
  const Connection pair;
  CHECK(take_pending_error(pair.client.get()) == 0);
  CHECK(pair.peer == local_endpoint(pair.client.get()));
  CHECK(local_endpoint(pair.server.get()) == local_endpoint(pair.listener.get()));
  CHECK(local_endpoint(pair.listener.get()).port() != 0);
}

TEST_CASE("socket: all are non-blocking, closed on exec, without delay and kept alive") {
  const Connection pair;
  CHECK(option(pair.client.get(), SOL_SOCKET, SO_KEEPALIVE) == 0);  // until it has lived a while
  keep_alive(pair.client.get(), {});
  for (const int fd : {pair.listener.get(), pair.client.get(), pair.server.get()}) {
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(fd, SOL_SOCKET, SO_OOBINLINE) == 1);
    CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
    CHECK(option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
    CHECK(option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 4);
  }
}

TEST_CASE("socket: an empty queue would block") {
  const OwnedFd listener = std::move(listen_tcp(loopback(), {}).value());
  OwnedFd client;
  Endpoint peer;
  int saved_errno = 0;
  CHECK(accept_tcp(listener.get(), client, peer, saved_errno) == AcceptStep::would_block);
  CHECK(saved_errno == EAGAIN);
  CHECK_FALSE(client.valid());
}

TEST_CASE("socket: without a free descriptor accept says so, and the client waits in the queue") {
  const OwnedFd listener = std::move(listen_tcp(loopback(), {}).value());
  int saved_errno = 0;
  const OwnedFd client = connect_tcp(local_endpoint(listener.get()), saved_errno);
  REQUIRE(wait_for(listener.get(), POLLIN));
  OwnedFd server;
  Endpoint peer;
  AcceptStep step{};
  {
    const testing::DescriptorLimit none(0);
    step = accept_tcp(listener.get(), server, peer, saved_errno);
  }
  CHECK(step == AcceptStep::out_of_handles);
  CHECK(saved_errno == EMFILE);
  CHECK(accept_tcp(listener.get(), server, peer, saved_errno) == AcceptStep::accepted);
}

TEST_CASE("socket: a client that reset while it waited does not look like an empty queue") {
  const OwnedFd listener = std::move(listen_tcp(loopback(), {}).value());
  int saved_errno = 0;
  OwnedFd client = connect_tcp(local_endpoint(listener.get()), saved_errno);
  REQUIRE(wait_for(listener.get(), POLLIN));
  reset_on_close(client.get());
  client.reset();
  OwnedFd server;
  Endpoint peer;
  // Linux hands the dead connection over (accept(2)); other errors of one client count as lost.
  const AcceptStep step = accept_tcp(listener.get(), server, peer, saved_errno);
  CHECK((step == AcceptStep::accepted || step == AcceptStep::lost));
  CHECK(accept_tcp(listener.get(), server, peer, saved_errno) == AcceptStep::would_block);
}

TEST_CASE("socket: nobody listening is a refused connect") {
  OwnedFd listener = std::move(listen_tcp(loopback(), {}).value());
  const Endpoint gone = local_endpoint(listener.get());
  listener.reset();
  CHECK(connect_error(gone) == ECONNREFUSED);
}

TEST_CASE("socket: an address no connect can reach fails at once, with its errno") {
  int saved_errno = 0;
  const Endpoint broadcast = Endpoint::parse("255.255.255.255", 80).value();
  CHECK_FALSE(connect_tcp(broadcast, saved_errno).valid());
  CHECK(saved_errno != 0);
}

TEST_CASE("socket: a reset reaches the peer as ECONNRESET, told once") {
  Connection pair;
  REQUIRE(::send(pair.server.get(), "lost", 4, 0) == 4);
  reset_on_close(pair.server.get());
  pair.server.reset();
  REQUIRE(wait_for(pair.client.get(), POLLERR));
  CHECK(take_pending_error(pair.client.get()) == ECONNRESET);
  CHECK(take_pending_error(pair.client.get()) == 0);
  CHECK(take_pending_error(-1) == EBADF);
}

TEST_CASE("socket: a half-close ends one direction and leaves the other") {
  const Connection pair;
  REQUIRE(::send(pair.client.get(), "ask", 3, 0) == 3);
  shutdown_write(pair.client.get());
  REQUIRE(wait_for(pair.server.get(), POLLRDHUP));
  char buffer[8] = {};
  CHECK(::recv(pair.server.get(), buffer, sizeof buffer, 0) == 3);
  CHECK(::recv(pair.server.get(), buffer, sizeof buffer, 0) == 0);
  REQUIRE(::send(pair.server.get(), "late", 4, 0) == 4);
  REQUIRE(wait_for(pair.client.get(), POLLIN));
  CHECK(::recv(pair.client.get(), buffer, sizeof buffer, 0) == 4);
}

TEST_CASE("socket: shutting down what a reset has already ended is no event") {
  Connection pair;
  reset_on_close(pair.server.get());
  pair.server.reset();
  REQUIRE(wait_for(pair.client.get(), POLLERR));
  shutdown_write(pair.client.get());
  shutdown_write(-1);
}

TEST_CASE("socket: a taken port is told in one sentence, with the errno for decisions") {
  const OwnedFd listener = std::move(listen_tcp(loopback(), {}).value());
  const Endpoint taken = local_endpoint(listener.get());
  const auto second = listen_tcp(taken, {});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == EADDRINUSE);
  CHECK(second.error().message ==
        "cannot listen on " + taken.text() + ": bind: Address already in use");
}

TEST_CASE("socket: a foreign address cannot be listened on") {
  const auto listener = listen_tcp(Endpoint::parse("192.0.2.1", 0).value(), {});
  REQUIRE_FALSE(listener.ok());
  CHECK(listener.error().code == EADDRNOTAVAIL);
}

TEST_CASE("socket: a port is free again at once after its connections were closed") {
  Endpoint at;
  {
    Connection pair;
    at = local_endpoint(pair.listener.get());
    pair.server.reset();  // the listening side closes first and keeps TIME_WAIT
    REQUIRE(wait_for(pair.client.get(), POLLRDHUP));
  }
  CHECK(listen_tcp(at, {}).ok());
}

TEST_CASE("socket: a dual-stack listener shows IPv4 clients as IPv4") {
  if (!has_ipv6()) return;  // a host without IPv6 has nothing to show here
  const OwnedFd listener =
      std::move(listen_tcp(Endpoint::any_v6(0), {.accept_v4_too = true}).value());
  int saved_errno = 0;
  const OwnedFd client = connect_tcp(loopback(local_endpoint(listener.get()).port()), saved_errno);
  REQUIRE(wait_for(listener.get(), POLLIN));
  OwnedFd server;
  Endpoint peer;
  REQUIRE(accept_tcp(listener.get(), server, peer, saved_errno) == AcceptStep::accepted);
  CHECK(peer == local_endpoint(client.get()));
  CHECK_FALSE(peer.is_v6());
}

TEST_CASE("socket: an IPv6 listener leaves the port to IPv4 unless told otherwise") {
  if (!has_ipv6()) return;
  const OwnedFd v6 = std::move(listen_tcp(Endpoint::any_v6(0), {}).value());
  const uint16_t port = local_endpoint(v6.get()).port();
  CHECK(listen_tcp(Endpoint::any_v4(port), {}).ok());
  const Connection pair(Endpoint::parse("::1", 0).value());
  CHECK(pair.peer.is_v6());
  CHECK(pair.peer.is_loopback());
}

TEST_CASE("socket: errors have text, also unknown ones") {
  CHECK(errno_text(ECONNREFUSED) == "Connection refused");
  CHECK_FALSE(errno_text(99999).empty());
}

TEST_CASE("socket: the descriptor limit goes up to the hard one") {
  CHECK(testing::signal_that_ends([] {
          rlimit limit{};
          KITE_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "readable");
          limit.rlim_cur = 100;
          KITE_CHECK(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "lowering is allowed");
          KITE_CHECK(raise_descriptor_limit() == limit.rlim_max, "says the limit in force");
          KITE_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "readable");
          KITE_CHECK(limit.rlim_cur == limit.rlim_max, "raised");
        }) == 0);
}

}  // namespace kite::sys
