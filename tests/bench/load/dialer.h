#pragma once

#include <vector>

#include "sys/endpoint.h"
#include "sys/owned_fd.h"

namespace kite::load {

/// Opens connections to the targets in turn. To loopback they come from sixteen source addresses in
/// turn: whoever closes first keeps its port in TIME_WAIT for a minute, and one address would run
/// out of ports after 28,000 connections.
/// Source:    ip(7): IP_BIND_ADDRESS_NO_PORT; net.ipv4.ip_local_port_range.
class Dialer {
 public:
  explicit Dialer(std::vector<sys::Endpoint> targets) : targets_(std::move(targets)) {}
  /// A non-blocking socket whose handshake has begun; invalid, with errno set, if it has not.
  sys::OwnedFd dial();

 private:
  std::vector<sys::Endpoint> targets_;
  uint64_t dialled_ = 0;
};

}  // namespace kite::load
