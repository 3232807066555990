#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws/cloud_map_api.h"
#include "sys/result.h"

namespace kite::aws {

/// Bodies of the Cloud Map calls and what their answers say. Pure.
/// Errors:    refused is an answer without its list, or with an instance that has no id: taken for
///            a shorter list, it would look like instances that are gone. Attributes may be absent
///            or nonsense and read as empty.
/// Source:    Cloud Map API 2017-03-14.

std::string discover_instances_body(const CloudMapApi::Query& query);
std::string discover_revision_body(const CloudMapApi::Query& query);

sys::Result<RegisteredInstances> parse_registered_instances(std::string_view body);
sys::Result<int64_t> parse_instances_revision(std::string_view body);

}  // namespace kite::aws
