#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kite::admin {

/// What became of the bytes of a request. Everything but `ok` and `incomplete` has an HTTP status.
enum class RequestVerdict : uint8_t {
  ok,
  incomplete,       ///< no fault so far: wait for more
  bad,              ///< 400
  method_refused,   ///< 405
  too_large,        ///< 431
  version_refused,  ///< 505
  foreign_host,     ///< 421: a name that may have been made to lead here
};

/// A request as far as this server cares; the texts are part of the bytes that were parsed.
struct AdminRequest {
  RequestVerdict verdict = RequestVerdict::incomplete;
  bool head_only = false;  ///< HEAD
  std::string_view path;   ///< without the query
};

/// Whose requests are answered by their Host header.
enum class HostRule : uint8_t {
  local_names,  ///< TCP: a browser may send them; see is_local_host()
  any,          ///< unix sockets: no browser gets there
};

/// More than a browser with many cookies for localhost sends.
inline constexpr size_t kRequestBytesMax = 8192;

/// Reads the head of one request, GET or HEAD of HTTP/1.0 or 1.1; what follows it is not looked at.
/// Lines may end in CR LF or LF (RFC 9112 section 2.2). Folded lines, two Hosts, spaces before a
/// colon and control bytes are refused. Pure.
/// Source:    RFC 9112 sections 2 to 5, RFC 9110 sections 7.2 and 15.5.20.
AdminRequest parse_request(std::string_view bytes, HostRule rule);

/// Whether a Host header names this server in a way that no attacker's page can: by an address or
/// as localhost, with or without a port. Any other name may be one that its owner makes lead to
/// 127.0.0.1 for a moment (DNS rebinding), which makes pages of his one origin with ours.
bool is_local_host(std::string_view host);

}  // namespace kite::admin
