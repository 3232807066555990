#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "sys/result.h"

namespace kite::sys {

/// An IPv4 or IPv6 address with a port: a plain value, comparable, cheap to copy.
/// Source:    ip(7), ipv6(7); text form of IPv6 as RFC 5952, in brackets before a port.
class Endpoint {
 public:
  /// 0.0.0.0:0.
  Endpoint() = default;

  /// Parses a literal ("10.0.0.7", "fd00::1", "[fd00::1]"); names are not resolved here.
  static Result<Endpoint> parse(std::string_view address, uint16_t port);
  static Endpoint any_v4(uint16_t port);
  static Endpoint any_v6(uint16_t port);
  /// From what accept4(2) or getsockname(2) filled in. Other families give the default endpoint.
  static Endpoint from_sockaddr(const sockaddr_storage& address);

  bool is_v6() const { return v6_; }
  uint16_t port() const { return port_; }
  Endpoint with_port(uint16_t port) const;
  bool is_loopback() const;
  bool is_unspecified() const;

  /// Fills `out` and returns the length to pass to bind(2) or connect(2).
  socklen_t to_sockaddr(sockaddr_storage& out) const;
  /// "10.0.0.7" or "fd00::1".
  std::string address_text() const;
  /// "10.0.0.7:8080" or "[fd00::1]:8080".
  std::string text() const;

  /// By address, then by port.
  auto operator<=>(const Endpoint&) const = default;

 private:
  bool v6_ = false;
  uint8_t bytes_[16] = {};  // network byte order; an IPv4 address fills the first four
  uint16_t port_ = 0;       // host byte order
};

}  // namespace kite::sys
