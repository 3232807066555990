#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aws/call_error.h"
#include "aws/model.h"

namespace kite::aws {

/// The ECS calls. One method is one HTTP exchange with its retries; paging and chunking are
/// the caller's (discovery), so that it can keep its own bound on what is in flight.
/// Lifetime:  outlives the Calls it hands out.
class EcsApi {
 public:
  static constexpr size_t kDescribeMax = 100;  ///< ids per Describe call

  struct ListTasksRequest {
    std::string cluster;
    std::string family;  ///< exactly one of family and service is set; name only, no revision
    std::string service;
    std::string next_token;  ///< empty on the first page
  };
  struct TaskPage {
    std::vector<std::string> task_arns;
    std::string next_token;  ///< empty on the last page; a page may be empty and still have one
  };

  /// Whether DescribeTasks tells the tasks' tags too.
  enum class TaskTags : uint8_t { leave_out, include };

  virtual ~EcsApi() = default;
  /// Requests refused so far because the account's budget was used up, also those that a retry
  /// inside a call made good.
  virtual uint64_t throttled_attempts() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Call> list_tasks(const ListTasksRequest& request,
                                                         OnResult<TaskPage> on_result) = 0;
  /// 1 to kDescribeMax ARNs.
  [[nodiscard]] virtual std::unique_ptr<Call> describe_tasks(
      const std::string& cluster, const std::vector<std::string>& task_arns, TaskTags tags,
      OnResult<Described<Task>> on_result) = 0;
  /// 1 to kDescribeMax ARNs.
  [[nodiscard]] virtual std::unique_ptr<Call> describe_container_instances(
      const std::string& cluster, const std::vector<std::string>& arns,
      OnResult<Described<ContainerInstance>> on_result) = 0;
  [[nodiscard]] virtual std::unique_ptr<Call> describe_task_definition(
      const std::string& definition_arn, OnResult<TaskDefinition> on_result) = 0;
  /// One service by its name.
  [[nodiscard]] virtual std::unique_ptr<Call> describe_service(
      const std::string& cluster, const std::string& service,
      OnResult<ServiceRollout> on_result) = 0;
};

}  // namespace kite::aws
