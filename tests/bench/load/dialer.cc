#include "tests/bench/load/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace kite::load {
namespace {

constexpr uint32_t kFirstSource = 0x7f000101;  // 127.0.1.1
constexpr uint32_t kSources = 16;

/// The ports are chosen at connect(2), so that one port may serve towards several targets.
bool bind_source(int fd, uint32_t address) {
  const int on = 1;
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(address);
  return ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
         ::bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0;
}

}  // namespace

sys::OwnedFd Dialer::dial() {
  const sys::Endpoint& target = targets_[dialled_ % targets_.size()];
  const auto source = static_cast<uint32_t>(kFirstSource + dialled_ % kSources);
  ++dialled_;
  sockaddr_storage address{};
  const socklen_t length = target.to_sockaddr(address);
  sys::OwnedFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fd;
  const int on = 1;
  static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  if (!target.is_v6() && target.is_loopback() && !bind_source(fd.get(), source)) return {};
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
  if (result == -1 && errno != EINPROGRESS) return {};
  return fd;
}

}  // namespace kite::load
