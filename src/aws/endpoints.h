#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws/settings.h"
#include "sys/result.h"

namespace kite::aws {

/// Where a service is reached: partition tables, overrides and their order of precedence. Pure.
/// Source:    AWS endpoint rules ("smithy.rules" endpointRuleSet of ecs, ec2, sts,
///            servicediscovery);
///            "Service-specific endpoints" and "Dual-stack and FIPS endpoints" in the AWS SDKs and
///            Tools guide.

enum class Service : uint8_t { ecs, ec2, sts, cloud_map };
/// "ecs": in host names and in the signing scope.
std::string_view service_name(Service service);

struct ServiceEndpoint {
  std::string url;   ///< what to request, path included: "https://ecs.eu-west-1.amazonaws.com/"
  std::string host;  ///< what to sign and send as Host: lower case, no default port
  std::string path;  ///< what to sign; "/" without an override that has a path
  bool operator==(const ServiceEndpoint&) const = default;
};

/// A region goes into host names, so it must be a host label.
bool is_region(std::string_view text);

/// Takes an absolute http or https URL apart. Refuses what an API endpoint cannot have: user names,
/// queries, fragments, bytes outside a URL, dot segments (clients rewrite them, which breaks the
/// signature).
sys::Result<ServiceEndpoint> parse_endpoint_url(std::string_view url);

/// `flag_url` (may be empty) goes over AWS_ENDPOINT_URL_<SERVICE>, over AWS_ENDPOINT_URL, over the
/// profile's services section and its endpoint_url, over the partition's host for `region`. The
/// error names the variable, key or flag that is wrong.
sys::Result<ServiceEndpoint> resolve_endpoint(Service service, std::string_view region,
                                              std::string_view flag_url, const Settings& settings);

}  // namespace kite::aws
