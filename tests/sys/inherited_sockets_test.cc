#include "sys/inherited_sockets.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/socket.h"
#include "tests/support/loop_harness.h"

namespace kite::sys {

namespace {

Endpoint local(std::string_view address, uint16_t port = 0) {
  return Endpoint::parse(address, port).value();
}

OwnedFd listening(const Endpoint& endpoint) {
  return std::move(listen_tcp(endpoint, {.accept_v4_too = true}).value());
}

/// Puts descriptors at numbers in a row, as they are passed on; returns the first number.
int pass_on(std::vector<OwnedFd> fds) {
  constexpr int kFirst = 700;
  for (size_t i = 0; i < fds.size(); ++i) {
    REQUIRE(::dup2(fds[i].get(), kFirst + static_cast<int>(i)) != -1);
  }
  return kFirst;
}

template <typename... Fds>
InheritedSockets inherited(Fds... fds) {
  std::vector<OwnedFd> all;
  (all.push_back(std::move(fds)), ...);
  const int count = static_cast<int>(all.size());
  return {pass_on(std::move(all)), count};
}

struct InheritedTwo {
  InheritedSockets sockets;
  Endpoint one_at;
  Endpoint other_at;
};

InheritedTwo inherited_two() {
  OwnedFd one = listening(local("127.0.0.1"));
  OwnedFd other = listening(local("127.0.0.2"));
  const Endpoint one_at = local_endpoint(one.get());
  const Endpoint other_at = local_endpoint(other.get());
  return {inherited(std::move(one), std::move(other)), one_at, other_at};
}

}  // namespace

TEST_CASE("inherited_sockets: a socket is found by address and port, and taken once") {
  auto [sockets, one_at, other_at] = inherited_two();
  CHECK(!sockets.take(local("127.0.0.3"), one_at.port()).valid());
  CHECK(!sockets.take(local("127.0.0.1"), 1).valid());
  const OwnedFd taken = sockets.take(local("127.0.0.2"), other_at.port());
  CHECK(local_endpoint(taken.get()) == other_at);
  CHECK(!sockets.take(local("127.0.0.2"), other_at.port()).valid());
  CHECK(sockets.close_rest() == std::vector<Endpoint>{one_at});
  CHECK(sockets.empty());
  CHECK(sockets.complaints().empty());
}

TEST_CASE("inherited_sockets: without an address any will do, all addresses first") {
  OwnedFd special = listening(local("127.0.0.9"));
  const uint16_t port = local_endpoint(special.get()).port();
  OwnedFd everywhere = listening(Endpoint::any_v6(0));
  const uint16_t other_port = local_endpoint(everywhere.get()).port();
  InheritedSockets sockets = inherited(std::move(special), std::move(everywhere));
  CHECK(local_endpoint(sockets.take({}, port).get()) == local("127.0.0.9", port));
  CHECK(local_endpoint(sockets.take({}, other_port).get()).is_unspecified());
}

TEST_CASE("inherited_sockets: what was put back is found again, and is not of the rest") {
  auto [sockets, one_at, other_at] = inherited_two();
  sockets.put_back(sockets.take({}, one_at.port()));
  CHECK(sockets.tell_rest() == std::vector<Endpoint>{other_at});
  CHECK(sockets.tell_rest().empty());
  CHECK(sockets.close_rest() == std::vector<Endpoint>{other_at});
  CHECK(local_endpoint(sockets.take({}, one_at.port()).get()) == one_at);
  CHECK(sockets.empty());
}

TEST_CASE("inherited_sockets: what is no listening TCP socket is closed and complained of") {
  const testing::FdCensus census;
  int error = 0;
  OwnedFd listener = listening(local("127.0.0.1"));
  OwnedFd connected = connect_tcp(local_endpoint(listener.get()), error);
  OwnedFd file(::open("/dev/null", O_RDONLY));
  InheritedSockets sockets = inherited(std::move(connected), std::move(file));
  CHECK(sockets.empty());
  CHECK(sockets.complaints().size() == 2);
}

TEST_CASE("inherited_sockets: variables for another process, or broken ones, give none") {
  using Variables = Environment::Variables;
  const std::string pid = std::to_string(::getpid());
  const auto of = [](Variables variables) {
    return InheritedSockets::of_process(Environment(std::move(variables)));
  };
  CHECK(of({}).empty());
  CHECK(of({{"LISTEN_PID", "1"}, {"LISTEN_FDS", "3"}}).complaints().empty());
  CHECK(of({{"LISTEN_PID", pid}, {"LISTEN_FDS", "0"}}).complaints().empty());
  for (const char* broken : {"", "-1", "x", "1x", "999999"}) {
    const InheritedSockets sockets = of({{"LISTEN_PID", pid}, {"LISTEN_FDS", broken}});
    CHECK(sockets.empty());
    CHECK(sockets.complaints().size() == 1);
  }
}

TEST_CASE("inherited_sockets: an adopted socket is like one of ours") {
  OwnedFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  adopt_listener(fd.get(), {});
  CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

}  // namespace kite::sys
