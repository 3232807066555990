#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/ecs_api.h"
#include "aws/signed_call.h"

namespace kite::aws {

/// The ECS API over a SignedCaller whose service is ECS.
/// Lifetime:  the caller outlives it.
/// Errors:    as SignedCaller; an answer that does not parse is malformed_answer and is not asked
///            for again within the call: the next poll will.
class EcsCalls final : public EcsApi {
 public:
  explicit EcsCalls(SignedCaller& caller) : caller_(caller) {}

  std::unique_ptr<Call> list_tasks(const ListTasksRequest& request,
                                   OnResult<TaskPage> on_result) override;
  std::unique_ptr<Call> describe_tasks(const std::string& cluster,
                                       const std::vector<std::string>& task_arns, TaskTags tags,
                                       OnResult<Described<Task>> on_result) override;
  std::unique_ptr<Call> describe_container_instances(
      const std::string& cluster, const std::vector<std::string>& arns,
      OnResult<Described<ContainerInstance>> on_result) override;
  std::unique_ptr<Call> describe_task_definition(const std::string& definition_arn,
                                                 OnResult<TaskDefinition> on_result) override;
  std::unique_ptr<Call> describe_service(const std::string& cluster, const std::string& service,
                                         OnResult<ServiceRollout> on_result) override;
  uint64_t throttled_attempts() const override { return caller_.stats().throttled_attempts; }

 private:
  SignedCaller& caller_;
};

}  // namespace kite::aws
