#include "aws/endpoints.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "sys/ascii.h"
#include "sys/endpoint.h"

namespace kite::aws {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view suffix;
  std::string_view dual_stack_suffix;
};

/// Longer prefixes stand before those they begin with ("us-gov-" before the "us-" of the rest).
/// Whatever matches none belongs to the commercial partition, as in the SDKs.
constexpr std::array<Partition, 7> kPartitions = {{
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"us-gov-", "amazonaws.com", "api.aws"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
}};
constexpr Partition kCommercial = {"", "amazonaws.com", "api.aws"};

Partition partition_of(std::string_view region) {
  for (const Partition& partition : kPartitions) {
    if (region.starts_with(partition.region_prefix)) return partition;
  }
  return kCommercial;
}

ServiceEndpoint table_endpoint(Service service, std::string_view region, bool fips,
                               bool dual_stack) {
  // ec2 and sts in GovCloud are FIPS endpoints without the name.
  const bool gov_without_fips_name = region.starts_with("us-gov-") && !dual_stack &&
                                     (service == Service::ec2 || service == Service::sts);
  const Partition partition = partition_of(region);
  // Cloud Map's plain names are dual-stack themselves where they end in these.
  if (service == Service::cloud_map && !fips && partition.suffix.starts_with("amazonaws.com")) {
    dual_stack = false;
  }
  // The hosts of discovery stand apart from those of Cloud Map's other calls.
  std::string host(service == Service::cloud_map ? "data-" : "");
  host += service_name(service);
  if (fips && !gov_without_fips_name) host += "-fips";
  host.append(".").append(region).append(".");
  host.append(dual_stack ? partition.dual_stack_suffix : partition.suffix);
  return {"https://" + host + "/", host, "/"};
}

bool is_url_byte(char c) {
  return c > ' ' && c < '\x7f' && c != '"' && c != '<' && c != '>';
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    const auto literal = sys::Endpoint::parse(host.substr(1, host.size() - 2), 0);
    return literal.ok() && literal->is_v6();
  }
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), is_host_byte);
}

/// A port in digits, 0 if it is none.
uint16_t parse_port(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  return failure == std::errc() && stop == end ? port : 0;
}

bool has_dot_segment(std::string_view path) {
  const std::string whole = sys::ascii_lower(path) + "/";
  for (const std::string_view segment : {"/./", "/../", "/%2e/", "/%2e%2e/", "/.%2e/", "/%2e./"}) {
    if (whole.find(segment) != std::string::npos) return true;
  }
  return false;
}

/// "host" and "host:port" as they are signed: the scheme's own port is left out.
sys::Result<std::string> signed_host(std::string_view authority, bool is_https) {
  const std::string text = sys::ascii_lower(authority);
  const size_t bracket = text.rfind(']');
  const size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  const std::string host = text.substr(0, colon);
  if (!is_host(host)) return sys::Error{"its host is not a name or an address"};
  if (colon == std::string::npos) return host;
  const uint16_t port = parse_port(std::string_view(text).substr(colon + 1));
  if (port == 0) return sys::Error{"its port is not a number from 1 to 65535"};
  if (port == (is_https ? 443 : 80)) return host;
  return host + ":" + std::to_string(port);
}

/// The URL to use and what it came from, for messages; an empty URL means the table's.
struct Override {
  std::string url;
  std::string origin;
};

Override find_override(Service service, std::string_view flag_url, const Settings& settings) {
  const std::string name(service_name(service));
  if (!flag_url.empty()) return {std::string(flag_url), "-endpoint-" + name};
  if (settings.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")) {
    return {};
  }
  std::string variable = "AWS_ENDPOINT_URL_" + name;
  for (char& c : variable) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  std::optional<Settings::Value> url = settings.get(variable, "");
  if (!url) url = settings.get("AWS_ENDPOINT_URL", "");
  if (!url) url = settings.of_service(name, "endpoint_url");
  if (!url) url = settings.get("", "endpoint_url");
  return url ? Override{url->text, url->origin} : Override();
}

}  // namespace

std::string_view service_name(Service service) {
  switch (service) {
    case Service::ecs:
      return "ecs";
    case Service::ec2:
      return "ec2";
    case Service::sts:
      return "sts";
    case Service::cloud_map:
      return "servicediscovery";
  }
  return "";
}

bool is_region(std::string_view text) {
  return sys::is_host_label(text);
}

sys::Result<ServiceEndpoint> parse_endpoint_url(std::string_view url) {
  const size_t scheme_end = url.find("://");
  const std::string scheme = sys::ascii_lower(url.substr(0, std::min(scheme_end, url.size())));
  if (scheme_end == std::string_view::npos || (scheme != "https" && scheme != "http")) {
    return sys::Error{"it does not begin with http:// or https://"};
  }
  if (!std::all_of(url.begin(), url.end(), is_url_byte)) {
    return sys::Error{"it holds bytes that no URL can hold"};
  }
  const std::string_view rest = url.substr(scheme_end + 3);
  if (rest.find_first_of("@?#\\") != std::string_view::npos) {
    return sys::Error{"it may have a host, a port and a path, nothing else"};
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  const auto host = signed_host(rest.substr(0, slash), scheme == "https");
  if (!host) return host.error();
  const std::string path = slash == rest.size() ? "/" : std::string(rest.substr(slash));
  if (has_dot_segment(path)) return sys::Error{"its path holds '.' or '..'"};
  return ServiceEndpoint{scheme + "://" + *host + path, *host, path};
}

sys::Result<ServiceEndpoint> resolve_endpoint(Service service, std::string_view region,
                                              std::string_view flag_url, const Settings& settings) {
  if (!is_region(region)) {
    return sys::Error{"the region is not a name like eu-west-1: set -region or AWS_REGION"};
  }
  const bool fips = settings.is_true("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
  const bool dual_stack = settings.is_true("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  const Override override = find_override(service, flag_url, settings);
  if (override.url.empty()) return table_endpoint(service, region, fips, dual_stack);
  if (fips || dual_stack) {
    return sys::Error{override.origin + " cannot be combined with " +
                      (fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT") +
                      ": unset one of them"};
  }
  auto endpoint = parse_endpoint_url(override.url);
  if (endpoint.ok()) return endpoint;
  return sys::Error{override.origin + " is not a usable endpoint URL: " + endpoint.error().message};
}

}  // namespace kite::aws
