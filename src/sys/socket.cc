#include "sys/socket.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace kite::sys {

namespace {

void set_option(int fd, int level, int name, int value) {
  // These cannot fail on a TCP socket of ours, and without them traffic still flows.
  static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

void set_stream_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  // An urgent byte is a byte of the stream; recv(2) would otherwise skip it.
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
}

OwnedFd new_tcp_socket(const Endpoint& endpoint) {
  const int family = endpoint.is_v6() ? AF_INET6 : AF_INET;
  return OwnedFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

ListenError listen_error(const Endpoint& endpoint, const char* step, int code) {
  return {code, "cannot listen on " + endpoint.text() + ": " + step + ": " + errno_text(code)};
}

}  // namespace

Result<OwnedFd, ListenError> listen_tcp(const Endpoint& endpoint, const ListenOptions& options) {
  OwnedFd fd = new_tcp_socket(endpoint);
  if (!fd.valid()) return listen_error(endpoint, "socket", errno);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // restart over connections in TIME_WAIT
  if (endpoint.is_v6()) {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, options.accept_v4_too ? 0 : 1);
  }
  set_stream_options(fd.get());
  keep_alive(fd.get(), options.liveness);
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == -1) {
    return listen_error(endpoint, "bind", errno);
  }
  if (::listen(fd.get(), options.backlog) == -1) return listen_error(endpoint, "listen", errno);
  return fd;
}

AcceptStep accept_tcp(int listener_fd, OwnedFd& client, Endpoint& peer, int& saved_errno) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const int fd = ::accept4(listener_fd, reinterpret_cast<sockaddr*>(&address), &length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd != -1) {
    client.reset(fd);
    peer = Endpoint::from_sockaddr(address);
    return AcceptStep::accepted;
  }
  saved_errno = errno;
  switch (saved_errno) {
    case EAGAIN:
      return AcceptStep::would_block;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptStep::out_of_handles;
    case EINVAL:
      return AcceptStep::not_listening;
    default:
      return AcceptStep::lost;  // accept(2): pending network errors count as "try again"
  }
}

OwnedFd connect_tcp(const Endpoint& endpoint, int& saved_errno) {
  OwnedFd fd = new_tcp_socket(endpoint);
  if (!fd.valid()) {
    saved_errno = errno;
    return fd;
  }
  set_stream_options(fd.get());
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(address);
  // EINTR leaves the connect under way in the kernel, exactly as EINPROGRESS does (connect(2)).
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == -1 &&
      errno != EINPROGRESS && errno != EINTR) {
    saved_errno = errno;
    fd.reset();
  }
  return fd;
}

void adopt_listener(int fd, const Liveness& liveness) {
  // Neither can fail on an open socket.
  static_cast<void>(::fcntl(fd, F_SETFD, FD_CLOEXEC));
  static_cast<void>(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK));
  set_stream_options(fd);
  keep_alive(fd, liveness);
}

void keep_alive(int fd, const Liveness& liveness) {
  const int unacknowledged_ms = static_cast<int>(liveness.unacknowledged_max.count());
  if (unacknowledged_ms > 0) set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms);
  if (liveness.probe_after.count() == 0) return;
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(liveness.probe_after.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(liveness.probe_interval.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, liveness.probes);
}

int take_pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) return errno;
  return error;
}

void shutdown_write(int fd) {
  static_cast<void>(::shutdown(fd, SHUT_WR));  // ENOTCONN: the peer reset it, nothing to tell
}

void set_low_water(int fd, int bytes) {
  set_option(fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
}

void reset_on_close(int fd) {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
}

size_t unacknowledged_bytes(int fd) {
  int bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &bytes) == -1 || bytes < 0) return 0;
  return static_cast<size_t>(bytes);
}

size_t unread_bytes(int fd) {
  int bytes = 0;
  if (::ioctl(fd, SIOCINQ, &bytes) == -1 || bytes < 0) return 0;
  return static_cast<size_t>(bytes);
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == -1) return {};
  return Endpoint::from_sockaddr(address);
}

std::string errno_text(int code) {
  char buffer[128] = {};
  return ::strerror_r(code, buffer, sizeof buffer);  // the GNU variant returns the text
}

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == -1 ? before : limit.rlim_cur;
}

}  // namespace kite::sys
