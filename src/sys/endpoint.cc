#include "sys/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace kite::sys {

Result<Endpoint> Endpoint::parse(std::string_view address, uint16_t port) {
  std::string_view literal = address;
  if (literal.size() >= 2 && literal.front() == '[' && literal.back() == ']') {
    literal = literal.substr(1, literal.size() - 2);
  }
  const std::string text(literal);
  Endpoint endpoint;
  endpoint.port_ = port;
  // inet_pton stops at a NUL byte; a string with one inside is not an address.
  if (text.find('\0') == std::string::npos) {
    if (::inet_pton(AF_INET, text.c_str(), endpoint.bytes_) == 1) return endpoint;
    if (::inet_pton(AF_INET6, text.c_str(), endpoint.bytes_) == 1) {
      endpoint.v6_ = true;
      return endpoint;
    }
  }
  return Error{"\"" + std::string(address) + "\" is not an IPv4 or IPv6 address"};
}

Endpoint Endpoint::any_v4(uint16_t port) {
  Endpoint endpoint;
  endpoint.port_ = port;
  return endpoint;
}

Endpoint Endpoint::any_v6(uint16_t port) {
  Endpoint endpoint;
  endpoint.v6_ = true;
  endpoint.port_ = port;
  return endpoint;
}

Endpoint Endpoint::from_sockaddr(const sockaddr_storage& address) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::memcpy(endpoint.bytes_, &v4.sin_addr, sizeof v4.sin_addr);
    endpoint.port_ = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    endpoint.port_ = ntohs(v6.sin6_port);
    // A dual-stack listener reports IPv4 clients as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      std::memcpy(endpoint.bytes_, v6.sin6_addr.s6_addr + 12, 4);
    } else {
      endpoint.v6_ = true;
      std::memcpy(endpoint.bytes_, v6.sin6_addr.s6_addr, 16);
    }
  }
  return endpoint;
}

Endpoint Endpoint::with_port(uint16_t port) const {
  Endpoint copy = *this;
  copy.port_ = port;
  return copy;
}

bool Endpoint::is_loopback() const {
  if (!v6_) return bytes_[0] == 127;
  in6_addr address{};
  std::memcpy(&address, bytes_, sizeof address);
  return IN6_IS_ADDR_LOOPBACK(&address);
}

bool Endpoint::is_unspecified() const {
  return std::all_of(std::begin(bytes_), std::end(bytes_), [](uint8_t byte) { return byte == 0; });
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& out) const {
  if (!v6_) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    std::memcpy(&v4.sin_addr, bytes_, sizeof v4.sin_addr);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port_);
  std::memcpy(&v6.sin6_addr, bytes_, sizeof v6.sin6_addr);
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

std::string Endpoint::address_text() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_, text, sizeof text);
  return text;
}

std::string Endpoint::text() const {
  const std::string address = v6_ ? "[" + address_text() + "]" : address_text();
  return address + ":" + std::to_string(port_);
}

}  // namespace kite::sys
