#include "aws/cloud_map_calls.h"

#include <string_view>
#include <utility>

#include "aws/cloud_map_wire.h"
#include "aws/parsed_call.h"

namespace kite::aws {
namespace {

Operation operation(std::string_view action, std::string body) {
  return json_operation("servicediscovery", "Route53AutoNaming_v20170314", action, std::move(body));
}

}  // namespace

std::unique_ptr<Call> CloudMapCalls::discover_instances(const Query& query,
                                                        OnResult<RegisteredInstances> on_result) {
  return start_parsed<RegisteredInstances>(
      caller_, operation("DiscoverInstances", discover_instances_body(query)),
      parse_registered_instances, std::move(on_result));
}

std::unique_ptr<Call> CloudMapCalls::discover_revision(const Query& query,
                                                       OnResult<int64_t> on_result) {
  return start_parsed<int64_t>(
      caller_, operation("DiscoverInstancesRevision", discover_revision_body(query)),
      parse_instances_revision, std::move(on_result));
}

}  // namespace kite::aws
