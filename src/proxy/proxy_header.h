#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sys/endpoint.h"

namespace kite::proxy {

enum class ProxyProtocol : uint8_t { off, v1, v2 };

/// The two ends of the client's connection, which a backend cannot see.
struct ClientAddresses {
  sys::Endpoint source;       ///< the client
  sys::Endpoint destination;  ///< what it connected to
};

/// What a backend that speaks the PROXY protocol reads before the client's first byte. A plain
/// value; building it is pure.
/// Source:    haproxy.org/download/2.6/doc/proxy-protocol.txt, sections 2.1 and 2.2.
class ProxyHeader {
 public:
  /// The longest line of version 1 with its final NUL, as the specification counts.
  static constexpr size_t kBytesMax = 108;

  /// Empty for ProxyProtocol::off. Ends of different families, which no TCP connection has, are
  /// told as unknown.
  ProxyHeader(ProxyProtocol version, const ClientAddresses& client);

  std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  void write_v1(const ClientAddresses& client);
  void write_v2(const ClientAddresses& client);

  std::array<char, kBytesMax> bytes_;
  size_t size_ = 0;
};

/// A header on its way: the kernel may take it piecemeal.
class ProxyHeaderSending {
 public:
  enum class Step : uint8_t { sent, would_block, failed };

  ProxyHeaderSending(ProxyProtocol version, const ClientAddresses& client)
      : header_(version, client) {}

  /// Sends what is left. After would_block call again when the socket is writable.
  Step advance(int fd, int& saved_errno);
  /// For another connection.
  void restart() { sent_bytes_ = 0; }

 private:
  ProxyHeader header_;
  size_t sent_bytes_ = 0;
};

}  // namespace kite::proxy
