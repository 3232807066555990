#include "cli/text_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "sys/ascii.h"
#include "sys/endpoint.h"

namespace kite::cli {

namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kUrlBytesMax = 2048;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_name_char(char c) {
  return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/// "host", "host:port", "10.0.0.7:port" or "[fd00::1]:port".
bool is_authority(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return false;
    host = text.substr(0, bracket + 1);
    const auto literal = sys::Endpoint::parse(host, 0);
    if (!literal.ok() || !literal.value().is_v6()) return false;
  } else {
    host = text.substr(0, text.find(':'));
    const auto allowed = [](char c) { return is_name_char(c) || c == '.'; };
    if (host.empty() || !std::ranges::all_of(host, allowed)) return false;
  }
  const std::string_view rest = text.substr(host.size());
  return rest.empty() || (rest.front() == ':' && parse_port(rest.substr(1)));
}

}  // namespace

bool is_ecs_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, is_name_char);
}

bool is_cluster_arn(std::string_view text) {
  std::array<std::string_view, 5> parts;
  for (std::string_view& part : parts) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  const auto& [arn, partition, service, region, account] = parts;
  constexpr std::string_view kResource = "cluster/";
  return arn == "arn" && partition.starts_with("aws") && is_ecs_name(partition) &&
         service == "ecs" && is_region_label(region) && account.size() == 12 &&
         std::ranges::all_of(account, is_digit) && text.starts_with(kResource) &&
         is_ecs_name(text.substr(kResource.size()));
}

bool is_region_label(std::string_view text) {
  return sys::is_host_label(text);
}

bool is_endpoint_url(std::string_view text) {
  const auto allowed = [](char c) { return c > 0x20 && c < 0x7F && c != '?' && c != '#'; };
  if (text.size() > kUrlBytesMax || !std::ranges::all_of(text, allowed)) return false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    return is_authority(rest.substr(0, rest.find('/')));
  }
  return false;
}

std::optional<uint32_t> parse_number(std::string_view text) {
  uint32_t number = 0;
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number < 1 || *number > std::numeric_limits<uint16_t>::max()) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

}  // namespace kite::cli
