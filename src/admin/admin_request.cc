#include "admin/admin_request.h"

#include <algorithm>
#include <optional>

#include "sys/ascii.h"
#include "sys/endpoint.h"

namespace kite::admin {

namespace {

/// RFC 9110 section 5.6.2.
bool is_token_byte(char c) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || kSigns.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

/// Takes a line out of `rest`, without its end. Nothing when the end has not come yet.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// "GET /metrics?x HTTP/1.1". Returns ok, or what is wrong.
RequestVerdict read_request_line(std::string_view line, AdminRequest& request, bool& needs_host) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return RequestVerdict::bad;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return RequestVerdict::bad;
  if (!target.starts_with('/') || target.find(' ') != std::string_view::npos) {
    return RequestVerdict::bad;
  }
  if (std::any_of(target.begin(), target.end(), is_control)) return RequestVerdict::bad;
  if (!version.starts_with("HTTP/")) return RequestVerdict::bad;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return RequestVerdict::version_refused;
  if (method != "GET" && method != "HEAD") return RequestVerdict::method_refused;
  request.head_only = method == "HEAD";
  request.path = target.substr(0, target.find('?'));
  needs_host = version == "HTTP/1.1";
  return RequestVerdict::ok;
}

/// One "name: value" line; keeps the value of Host.
RequestVerdict read_header(std::string_view line, std::optional<std::string_view>& host) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return RequestVerdict::bad;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_token(name)) return RequestVerdict::bad;  // a folded line starts with a blank
  if (std::any_of(value.begin(), value.end(), is_control)) return RequestVerdict::bad;
  if (sys::ascii_lower(name) != "host") return RequestVerdict::ok;
  if (host) return RequestVerdict::bad;
  host = value;
  return RequestVerdict::ok;
}

RequestVerdict judge_host(std::optional<std::string_view> host, bool needs_host, HostRule rule) {
  // Browsers always send one; without it this is a simple tool that speaks HTTP/1.0.
  if (!host) return needs_host ? RequestVerdict::bad : RequestVerdict::ok;
  if (rule == HostRule::any || is_local_host(*host)) return RequestVerdict::ok;
  return RequestVerdict::foreign_host;
}

/// The verdict on a head that is as long as it may be, or ends.
RequestVerdict read_head(std::string_view rest, HostRule rule, AdminRequest& request) {
  auto line = take_line(rest);
  if (line && line->empty()) line = take_line(rest);  // RFC 9112 section 2.2: one is skipped
  if (!line) return RequestVerdict::incomplete;
  bool needs_host = false;
  RequestVerdict verdict = read_request_line(*line, request, needs_host);
  if (verdict != RequestVerdict::ok) return verdict;
  std::optional<std::string_view> host;
  for (;;) {  // ends: each round takes a line
    line = take_line(rest);
    if (!line) return RequestVerdict::incomplete;
    if (line->empty()) return judge_host(host, needs_host, rule);
    verdict = read_header(*line, host);
    if (verdict != RequestVerdict::ok) return verdict;
  }
}

/// What stands before ":port", or all of it; nothing when the port is none.
std::optional<std::string_view> without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return host;
  const std::string_view port = host.substr(colon + 1);
  constexpr size_t kDigitsMax = 5;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (port.size() > kDigitsMax || !std::all_of(port.begin(), port.end(), is_digit)) {
    return std::nullopt;
  }
  return host.substr(0, colon);
}

}  // namespace

AdminRequest parse_request(std::string_view bytes, HostRule rule) {
  AdminRequest request;
  request.verdict = read_head(bytes.substr(0, kRequestBytesMax), rule, request);
  if (request.verdict == RequestVerdict::incomplete && bytes.size() >= kRequestBytesMax) {
    request.verdict = RequestVerdict::too_large;
  }
  return request;
}

bool is_local_host(std::string_view host) {
  const auto name = without_port(host);
  if (!name) return false;
  if (sys::ascii_lower(*name) == "localhost") return true;
  // An IPv6 address stands in brackets here (RFC 3986 section 3.2.2).
  const bool bracketed = name->starts_with('[') && name->ends_with(']');
  const auto address = sys::Endpoint::parse(*name, 0);
  return address.ok() && address->is_v6() == bracketed;
}

}  // namespace kite::admin
