#include "aws/ec2_calls.h"

#include <utility>

#include "aws/ec2_wire.h"
#include "aws/parsed_call.h"
#include "sys/check.h"

namespace kite::aws {
namespace {

Operation operation(const char* name, std::string body) {
  Operation result;
  result.name = name;
  result.content_type = "application/x-www-form-urlencoded; charset=utf-8";
  result.body = std::move(body);
  return result;
}

void check_chunk(const std::vector<std::string>& ids) {
  KITE_CHECK(!ids.empty() && ids.size() <= Ec2Api::kFilterValuesMax,
             "a call without a filter lists everything, EC2 refuses more than 200 values");
}

}  // namespace

std::unique_ptr<Call> Ec2Calls::describe_instances(const std::vector<std::string>& instance_ids,
                                                   const std::string& next_token,
                                                   OnResult<InstancePage> on_result) {
  check_chunk(instance_ids);
  return start_parsed<InstancePage>(
      caller_,
      operation("ec2:DescribeInstances", describe_instances_body(instance_ids, next_token)),
      parse_instances, std::move(on_result));
}

std::unique_ptr<Call> Ec2Calls::describe_network_interfaces(const std::vector<std::string>& eni_ids,
                                                            const std::string& next_token,
                                                            OnResult<InterfacePage> on_result) {
  check_chunk(eni_ids);
  return start_parsed<InterfacePage>(
      caller_,
      operation("ec2:DescribeNetworkInterfaces",
                describe_network_interfaces_body(eni_ids, next_token)),
      parse_network_interfaces, std::move(on_result));
}

}  // namespace kite::aws
