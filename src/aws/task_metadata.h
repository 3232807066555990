#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aws/call_error.h"
#include "http/http_client.h"
#include "sys/environment.h"
#include "sys/result.h"

namespace kite::aws {

/// What the ECS agent tells a task of itself, reduced to what the kite uses.
struct TaskMetadata {
  std::string task_arn;
  std::string region;             ///< of the ARN; the zone is no guide to it (Local Zones)
  std::string cluster;            ///< a name on EC2, an ARN on Fargate; may be empty
  std::string availability_zone;  ///< may be empty
  bool operator==(const TaskMetadata&) const = default;
};

/// Pure. An error without a TaskARN that names a region.
sys::Result<TaskMetadata> parse_task_metadata(std::string_view body);

using OnTaskMetadata = std::function<void(sys::Result<TaskMetadata>)>;

/// The task metadata endpoint, version 4.
/// Lifetime:  client outlives it; it outlives its Calls.
/// Source:    ECS developer guide, "Task metadata endpoint version 4".
class TaskMetadataEndpoint {
 public:
  TaskMetadataEndpoint(const sys::Environment& environment, http::Client& client);

  /// False outside ECS.
  bool present() const { return !base_url_.empty(); }
  /// Requires present().
  [[nodiscard]] std::unique_ptr<Call> fetch(OnTaskMetadata on_metadata);

 private:
  std::string base_url_;  ///< ECS_CONTAINER_METADATA_URI_V4
  http::Client& client_;
};

}  // namespace kite::aws
