#include "proxy/proxy_header.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace kite::proxy {

namespace {

constexpr std::string_view kSignatureV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char kVersion2CommandProxy = 0x21;
constexpr char kUnspecified = 0x00;
constexpr char kTcpOverIpv4 = 0x11;
constexpr char kTcpOverIpv6 = 0x21;

/// An address as bytes in network order, 4 or 16 of them.
struct RawAddress {
  explicit RawAddress(const sys::Endpoint& endpoint) {
    sockaddr_storage storage{};
    endpoint.to_sockaddr(storage);
    if (endpoint.is_v6()) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, &storage, sizeof v6);
      std::memcpy(bytes, &v6.sin6_addr, 16);
      size = 16;
    } else {
      sockaddr_in v4{};
      std::memcpy(&v4, &storage, sizeof v4);
      std::memcpy(bytes, &v4.sin_addr, 4);
    }
  }

  uint8_t bytes[16] = {};
  size_t size = 4;
};

struct AddressText {
  char text[40] = {};  // eight groups of four digits, seven colons, NUL
};

/// IPv6 as hexadecimal groups only: inet_ntop(3) would write "::1.2.3.4" for some, which version 1
/// does not allow.
AddressText address_text(const sys::Endpoint& endpoint) {
  AddressText result;
  const RawAddress raw(endpoint);
  const uint8_t* b = raw.bytes;
  char* end = result.text;
  const auto room = [&] { return static_cast<size_t>(std::end(result.text) - end); };
  if (!endpoint.is_v6()) {
    std::snprintf(end, room(), "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    return result;
  }
  for (size_t i = 0; i < 16; i += 2) {
    const unsigned group = static_cast<unsigned>(b[i]) << 8 | b[i + 1];
    end += std::snprintf(end, room(), i == 0 ? "%x" : ":%x", group);
  }
  return result;
}

}  // namespace

ProxyHeader::ProxyHeader(ProxyProtocol version, const ClientAddresses& client) {
  switch (version) {
    case ProxyProtocol::off:
      break;
    case ProxyProtocol::v1:
      write_v1(client);
      break;
    case ProxyProtocol::v2:
      write_v2(client);
      break;
  }
}

void ProxyHeader::write_v1(const ClientAddresses& client) {
  const auto& [source, destination] = client;
  int size = 0;
  if (source.is_v6() != destination.is_v6()) {
    size = std::snprintf(bytes_.data(), bytes_.size(), "PROXY UNKNOWN\r\n");
  } else {
    size = std::snprintf(bytes_.data(), bytes_.size(), "PROXY %s %s %s %u %u\r\n",
                         source.is_v6() ? "TCP6" : "TCP4", address_text(source).text,
                         address_text(destination).text, source.port(), destination.port());
  }
  size_ = static_cast<size_t>(size);
}

void ProxyHeader::write_v2(const ClientAddresses& client) {
  const auto& [source, destination] = client;
  char* out = std::copy(kSignatureV2.begin(), kSignatureV2.end(), bytes_.data());
  *out++ = kVersion2CommandProxy;
  const bool unknown = source.is_v6() != destination.is_v6();
  const RawAddress from(source);
  const RawAddress to(destination);
  const size_t address_bytes = unknown ? 0 : from.size + to.size + 2 * sizeof(uint16_t);
  *out++ = unknown ? kUnspecified : source.is_v6() ? kTcpOverIpv6 : kTcpOverIpv4;
  *out++ = 0;
  *out++ = static_cast<char>(address_bytes);
  if (!unknown) {
    out = std::copy_n(from.bytes, from.size, out);
    out = std::copy_n(to.bytes, to.size, out);
    for (const uint16_t port : {source.port(), destination.port()}) {
      *out++ = static_cast<char>(port >> 8);
      *out++ = static_cast<char>(port & 0xFF);
    }
  }
  size_ = static_cast<size_t>(out - bytes_.data());
}

ProxyHeaderSending::Step ProxyHeaderSending::advance(int fd, int& saved_errno) {
  const std::string_view bytes = header_.bytes();
  while (sent_bytes_ < bytes.size()) {  // ends: every round sends or returns, but for EINTR
    const ssize_t sent = ::send(fd, bytes.data() + sent_bytes_, bytes.size() - sent_bytes_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      sent_bytes_ += static_cast<size_t>(sent);
      continue;
    }
    saved_errno = errno;
    if (saved_errno == EINTR) continue;
    return saved_errno == EAGAIN ? Step::would_block : Step::failed;
  }
  return Step::sent;
}

}  // namespace kite::proxy
