#include "aws/task_metadata.h"

#include <utility>

#include "aws/endpoints.h"
#include "aws/json_value.h"
#include "aws/retried_request.h"
#include "sys/check.h"

namespace kite::aws {

namespace {

constexpr std::chrono::milliseconds kTimeout{1000};
constexpr size_t kAnswerBytesMax = 1U << 20;  // it lists every container with its labels

/// "arn:partition:ecs:region:account:task/..."
std::string_view region_of_arn(std::string_view arn) {
  if (!arn.starts_with("arn:")) return {};
  for (int skipped = 0; skipped < 3; ++skipped) {
    const size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  const size_t colon = arn.find(':');
  return colon == std::string_view::npos ? std::string_view() : arn.substr(0, colon);
}

}  // namespace

sys::Result<TaskMetadata> parse_task_metadata(std::string_view body) {
  static constexpr std::string_view kNames[] = {"TaskARN", "Cluster", "AvailabilityZone"};
  const sys::Result<JsonDocument> document = JsonDocument::parse(body, kNames);
  if (!document.ok()) {
    return sys::Error{"the task metadata endpoint did not answer with JSON"};
  }
  const JsonValue root = document->root();
  TaskMetadata metadata;
  metadata.task_arn = root.member("TaskARN").text();
  metadata.region = std::string(region_of_arn(metadata.task_arn));
  metadata.cluster = root.member("Cluster").text();
  metadata.availability_zone = root.member("AvailabilityZone").text();
  if (!is_region(metadata.region)) {
    return sys::Error{"the task metadata endpoint named no task ARN with a region"};
  }
  return metadata;
}

TaskMetadataEndpoint::TaskMetadataEndpoint(const sys::Environment& environment,
                                           http::Client& client)
    : base_url_(environment.get_non_empty("ECS_CONTAINER_METADATA_URI_V4").value_or("")),
      client_(client) {}

std::unique_ptr<Call> TaskMetadataEndpoint::fetch(OnTaskMetadata on_metadata) {
  KITE_CHECK(present(), "callers ask present() first");
  http::Request request;
  request.direct = true;
  request.url = base_url_ + "/task";
  request.timeout = kTimeout;
  request.response_bytes_max = kAnswerBytesMax;
  return std::make_unique<RetriedRequest>(
      client_, std::move(request), RetriedRequest::Tries{},
      [on_metadata = std::move(on_metadata)](const http::Outcome& outcome) {
        if (!outcome.ok()) {
          return on_metadata(sys::Error{"no task metadata: " + outcome.error().message +
                                        "; ECS_CONTAINER_METADATA_URI_V4 says where it should be"});
        }
        if (outcome->status != 200) {
          return on_metadata(
              sys::Error{"no task metadata: HTTP " + std::to_string(outcome->status)});
        }
        on_metadata(parse_task_metadata(outcome->body));
      });
}

}  // namespace kite::aws
