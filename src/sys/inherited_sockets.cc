#include "sys/inherited_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "sys/socket.h"

namespace kite::sys {

namespace {

constexpr int kFirstFd = 3;  // SD_LISTEN_FDS_START
constexpr int kSocketsMax = 256;

std::optional<int> number(const std::optional<std::string>& text) {
  int value = 0;
  if (!text) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

int option(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == -1 ? -1 : value;
}

bool is_tcp_listener(int fd) {
  const int family = option(fd, SO_DOMAIN);
  return (family == AF_INET || family == AF_INET6) && option(fd, SO_PROTOCOL) == IPPROTO_TCP &&
         option(fd, SO_ACCEPTCONN) == 1;
}

}  // namespace

InheritedSockets InheritedSockets::of_process(const Environment& environment) {
  // As sd_listen_fds(3): variables that are meant for another process are none.
  const auto pid = number(environment.get_non_empty("LISTEN_PID"));
  if (!pid || *pid != ::getpid()) return {};
  const auto count = number(environment.get_non_empty("LISTEN_FDS"));
  if (count && *count <= kSocketsMax) return {kFirstFd, *count};
  InheritedSockets none;
  none.complaints_.push_back("LISTEN_FDS is not a number from 0 to " + std::to_string(kSocketsMax) +
                             ", so no inherited socket is used");
  return none;
}

InheritedSockets::InheritedSockets(int first_fd, int count) {
  for (int fd = first_fd; fd < first_fd + count; ++fd) {
    OwnedFd owned(fd);
    if (is_tcp_listener(fd)) {
      sockets_.push_back({.fd = std::move(owned), .endpoint = local_endpoint(fd)});
    } else {
      complaints_.push_back("descriptor " + std::to_string(fd) +
                            " of LISTEN_FDS is no listening TCP socket, so it is not used");
    }
  }
}

OwnedFd InheritedSockets::take(const std::optional<Endpoint>& address, uint16_t port) {
  const auto find = [&](const auto& fits) {
    return std::find_if(sockets_.begin(), sockets_.end(), [&](const Socket& socket) {
      return socket.endpoint.port() == port && fits(socket.endpoint);
    });
  };
  auto found = sockets_.end();
  if (address) {
    found = find([&](const Endpoint& there) { return there == address->with_port(port); });
  } else {
    found = find([](const Endpoint& there) { return there.is_unspecified(); });
    if (found == sockets_.end()) found = find([](const Endpoint&) { return true; });
  }
  if (found == sockets_.end()) return {};
  OwnedFd fd = std::move(found->fd);
  sockets_.erase(found);
  return fd;
}

void InheritedSockets::put_back(OwnedFd socket) {
  if (!socket.valid()) return;
  const Endpoint endpoint = local_endpoint(socket.get());
  sockets_.push_back({.fd = std::move(socket), .endpoint = endpoint, .was_taken = true});
}

std::vector<Endpoint> InheritedSockets::close_rest() {
  std::vector<Endpoint> closed;
  std::erase_if(sockets_, [&](const Socket& socket) {
    if (!socket.was_taken) closed.push_back(socket.endpoint);
    return !socket.was_taken;
  });
  return closed;
}

std::vector<Endpoint> InheritedSockets::tell_rest() {
  std::vector<Endpoint> told;
  for (Socket& socket : sockets_) {
    if (!socket.was_taken && !std::exchange(socket.was_told, true)) told.push_back(socket.endpoint);
  }
  return told;
}

}  // namespace kite::sys
