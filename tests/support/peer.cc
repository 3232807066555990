#include "tests/support/peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sys/check.h"
#include "sys/random.h"
#include "sys/socket.h"

namespace kite::testing {

namespace {

void set_buffer(int fd, int option, int bytes) {
  if (bytes > 0) ::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

void set_segment(int fd, int bytes) {
  if (bytes > 0) ::setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &bytes, sizeof bytes);
}

}  // namespace

Peer Peer::connect(const sys::Endpoint& endpoint, int receive_buffer_bytes, int segment_bytes) {
  const int family = endpoint.is_v6() ? AF_INET6 : AF_INET;
  sys::OwnedFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set_buffer(fd.get(), SO_RCVBUF, receive_buffer_bytes);
  set_segment(fd.get(), segment_bytes);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(address);
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
  KITE_CHECK(result == 0 || errno == EINPROGRESS, "a test connects to its own listener");
  return Peer(std::move(fd));
}

size_t Peer::write_some(std::string_view data) {
  const ssize_t sent = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<size_t>(sent) : 0;
}

void Peer::write(std::string_view data) {
  KITE_CHECK(write_some(data) == data.size(), "the test's data fits into the socket buffer");
}

void Peer::shutdown_write() {
  sys::shutdown_write(fd_.get());
}

void Peer::reset() {
  sys::reset_on_close(fd_.get());
  fd_.reset();
}

size_t Peer::read_some(size_t bytes_max) {
  return read_some(bytes_max, [this](std::string_view data) { received_ += data; });
}

size_t Peer::read_some(size_t bytes_max, const std::function<void(std::string_view)>& take) {
  size_t taken = 0;
  std::array<char, 65536> buffer;
  while (fd_.valid() && taken < bytes_max && !saw_eof_ && !saw_reset_) {
    const size_t wanted = std::min(buffer.size(), bytes_max - taken);
    const ssize_t got = ::recv(fd_.get(), buffer.data(), wanted, MSG_DONTWAIT);
    if (got > 0) {
      take({buffer.data(), static_cast<size_t>(got)});
      taken += static_cast<size_t>(got);
    } else if (got == 0) {
      saw_eof_ = true;
    } else {
      saw_reset_ = errno == ECONNRESET || errno == EPIPE;
      break;
    }
  }
  return taken;
}

PeerListener::PeerListener(std::string_view address, uint16_t port, int send_buffer_bytes,
                           int segment_bytes) {
  const auto endpoint = sys::Endpoint::parse(address, port);
  auto fd = sys::listen_tcp(endpoint.value(), {});
  KITE_CHECK(fd.ok(), "a test listens on a free port");
  fd_ = std::move(fd.value());
  set_buffer(fd_.get(), SO_SNDBUF, send_buffer_bytes);  // accepted sockets inherit both
  set_segment(fd_.get(), segment_bytes);
}

sys::Endpoint PeerListener::endpoint() const {
  return sys::local_endpoint(fd_.get());
}

Peer PeerListener::accept() {
  sys::OwnedFd client;
  sys::Endpoint from;
  int saved_errno = 0;
  static_cast<void>(sys::accept_tcp(fd_.get(), client, from, saved_errno));
  return Peer(std::move(client));
}

uint16_t unused_port(std::string_view address) {
  return PeerListener(address).endpoint().port();
}

std::string pattern(size_t count, uint64_t seed) {
  sys::SeededRandom random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

}  // namespace kite::testing
