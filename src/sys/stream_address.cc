#include "sys/stream_address.h"

#include <charconv>

namespace kite::sys {

namespace {

constexpr std::string_view kUnix = "unix:";

/// Nothing but 1 to 65535 is a port.
bool parse_port(std::string_view text, uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

}  // namespace

Result<StreamAddress> StreamAddress::parse(std::string_view text) {
  StreamAddress address;
  if (text.starts_with(kUnix)) {
    address.unix_path = text.substr(kUnix.size());
    // 107: what fits into sockaddr_un with its NUL (unix(7)).
    constexpr size_t kPathBytesMax = 107;
    const bool fits = address.unix_path.size() <= kPathBytesMax &&
                      address.unix_path.find('\0') == std::string::npos;
    if (address.unix_path.starts_with('/') && fits) return address;
    return Error{"what follows unix: is a path from the root, of at most 107 bytes"};
  }
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  if (colon == std::string_view::npos || !parse_port(text.substr(colon + 1), port)) {
    return Error{"an address and a port from 1 to 65535 are needed"};
  }
  const std::string_view host = text.substr(0, colon);
  const auto endpoint = Endpoint::parse(host, port);
  if (!endpoint.ok()) return endpoint.error();
  if (endpoint->is_v6() != host.starts_with('[')) {
    return Error{"an IPv6 address before a port stands in brackets"};
  }
  address.endpoint = *endpoint;
  return address;
}

std::string StreamAddress::text() const {
  return unix_path.empty() ? endpoint.text() : std::string(kUnix) + unix_path;
}

}  // namespace kite::sys
