#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/endpoint.h"
#include "sys/environment.h"
#include "sys/result.h"

namespace kite::http {

/// An HTTP proxy. Its user name and password have no way into a message: text() leaves them out.
struct ProxyServer {
  std::string host;  ///< IPv6 without brackets
  std::string port;
  std::string user;  ///< empty: none is sent
  std::string password;
  std::string variable;  ///< that named it: "HTTPS_PROXY"
  bool operator==(const ProxyServer&) const = default;

  /// "proxy.example:3128 (HTTPS_PROXY)"
  std::string text() const;
};

/// Which requests go through a proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, each also in lower
/// case, which counts first. Loopback and link-local addresses, where metadata and credentials are
/// served, never do.
/// Errors:    read() names the variable; it quotes no URL, which may hold a password.
/// Source:    curl(1), "Environment"; NO_PROXY as Go's httpproxy and curl agree on it: names with
///            their subdomains, addresses, networks, "*".
class ProxyRules {
 public:
  /// No proxy at all.
  ProxyRules() = default;
  static sys::Result<ProxyRules> read(const sys::Environment& environment);

  /// Null: direct. `host` as in a URL, IPv6 without brackets.
  const ProxyServer* proxy_for(bool https, std::string_view host, std::string_view port) const;
  bool any() const { return https_proxy_.has_value() || http_proxy_.has_value(); }

 private:
  /// One entry of NO_PROXY.
  struct Exception {
    std::string name;     ///< lower case, without a dot at its ends; empty: a network
    bool itself = true;   ///< false: only what ends in ".name"
    std::string port;     ///< empty: every port
    std::string network;  ///< the bytes of an address, 4 or 16
    size_t network_bits = 0;
  };

  static std::optional<Exception> parse_exception(std::string_view text);
  static bool fits(const Exception& exception, std::string_view host, std::string_view address);

  std::optional<ProxyServer> https_proxy_;
  std::optional<ProxyServer> http_proxy_;
  bool none_ = false;  ///< NO_PROXY=*
  std::vector<Exception> exceptions_;
};

}  // namespace kite::http
