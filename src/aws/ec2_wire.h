#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_api.h"
#include "sys/result.h"

namespace kite::aws {

/// Bodies of the two EC2 calls, in their filter form, and what their answers say. Pure.
/// Errors:    a parse function refuses a document that is not the call's answer or lacks its set;
///            elements absent inside read as empty, items without an id are left out.
/// Source:    EC2 API 2016-11-15.

std::string describe_instances_body(const std::vector<std::string>& instance_ids,
                                    const std::string& next_token);
std::string describe_network_interfaces_body(const std::vector<std::string>& eni_ids,
                                             const std::string& next_token);

sys::Result<Ec2Api::InstancePage> parse_instances(std::string_view body);
sys::Result<Ec2Api::InterfacePage> parse_network_interfaces(std::string_view body);

}  // namespace kite::aws
