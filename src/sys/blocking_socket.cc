#include "sys/blocking_socket.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/socket.h"
#include "sys/unix_socket.h"

namespace kite::sys {

namespace {

/// A time limit that ran out is EAGAIN, of connect(2) EINPROGRESS.
std::string reason(int code) {
  const bool late = code == EAGAIN || code == EINPROGRESS;
  return late ? "it took too long" : errno_text(code);
}

void set_patience(int fd, std::chrono::milliseconds patience) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const std::chrono::microseconds rest = patience - whole;
  const timeval limit{.tv_sec = whole.count(), .tv_usec = rest.count()};
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
}

}  // namespace

Result<BlockingSocket> BlockingSocket::connect(const StreamAddress& address,
                                               std::chrono::milliseconds patience) {
  sockaddr_storage target{};
  socklen_t length = 0;
  if (address.unix_path.empty()) {
    length = address.endpoint.to_sockaddr(target);
  } else if (!fill_unix_address(address.unix_path, target, length)) {
    return Error{address.text() + ": a socket's path has from 1 to 107 bytes"};
  }
  OwnedFd fd(::socket(target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  BlockingSocket made(std::move(fd), address.text());
  if (!made.fd_.valid()) return made.problem("no socket", errno);
  set_patience(made.fd_.get(), patience);
  if (::connect(made.fd_.get(), reinterpret_cast<const sockaddr*>(&target), length) == -1) {
    return made.problem("cannot connect", errno);
  }
  return made;
}

Result<std::string> BlockingSocket::exchange(std::string_view request, size_t bytes_max) {
  while (!request.empty()) {  // ends: each round sends something, or fails
    const ssize_t sent = ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent == -1) return problem("cannot send", errno);
    request.remove_prefix(static_cast<size_t>(sent));
  }
  std::string answer;
  std::array<char, 2048> bytes;
  while (answer.size() < bytes_max) {  // ends: each round takes something
    const ssize_t taken = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (taken == -1) return problem("no answer", errno);
    if (taken == 0) break;
    answer.append(bytes.data(), static_cast<size_t>(taken));
  }
  return answer;
}

Error BlockingSocket::problem(const char* step, int code) const {
  return {peer_ + ": " + step + ": " + reason(code)};
}

}  // namespace kite::sys
