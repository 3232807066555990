#include "aws/ecs_calls.h"

#include <string_view>
#include <utility>

#include "aws/ecs_wire.h"
#include "aws/parsed_call.h"
#include "sys/check.h"

namespace kite::aws {
namespace {

Operation operation(std::string_view action, std::string body) {
  return json_operation("ecs", "AmazonEC2ContainerServiceV20141113", action, std::move(body));
}

void check_chunk(const std::vector<std::string>& arns) {
  KITE_CHECK(!arns.empty() && arns.size() <= EcsApi::kDescribeMax,
             "ECS refuses a Describe call for none or for more than 100");
}

}  // namespace

std::unique_ptr<Call> EcsCalls::list_tasks(const ListTasksRequest& request,
                                           OnResult<TaskPage> on_result) {
  KITE_CHECK(request.family.empty() != request.service.empty(),
             "ECS refuses a listing by family and service at once");
  return start_parsed<TaskPage>(caller_, operation("ListTasks", list_tasks_body(request)),
                                parse_task_page, std::move(on_result));
}

std::unique_ptr<Call> EcsCalls::describe_tasks(const std::string& cluster,
                                               const std::vector<std::string>& task_arns,
                                               TaskTags tags, OnResult<Described<Task>> on_result) {
  check_chunk(task_arns);
  return start_parsed<Described<Task>>(
      caller_, operation("DescribeTasks", describe_tasks_body(cluster, task_arns, tags)),
      parse_tasks, std::move(on_result));
}

std::unique_ptr<Call> EcsCalls::describe_container_instances(
    const std::string& cluster, const std::vector<std::string>& arns,
    OnResult<Described<ContainerInstance>> on_result) {
  check_chunk(arns);
  return start_parsed<Described<ContainerInstance>>(
      caller_,
      operation("DescribeContainerInstances", describe_container_instances_body(cluster, arns)),
      parse_container_instances, std::move(on_result));
}

std::unique_ptr<Call> EcsCalls::describe_task_definition(const std::string& definition_arn,
                                                         OnResult<TaskDefinition> on_result) {
  return start_parsed<TaskDefinition>(
      caller_, operation("DescribeTaskDefinition", describe_task_definition_body(definition_arn)),
      parse_task_definition, std::move(on_result));
}

std::unique_ptr<Call> EcsCalls::describe_service(const std::string& cluster,
                                                 const std::string& service,
                                                 OnResult<ServiceRollout> on_result) {
  return start_parsed<ServiceRollout>(
      caller_, operation("DescribeServices", describe_services_body(cluster, service)),
      parse_service_rollout, std::move(on_result));
}

}  // namespace kite::aws
