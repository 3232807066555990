#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ecs_api.h"
#include "aws/model.h"
#include "sys/result.h"

namespace kite::aws {

/// Bodies of the ECS calls and what their answers say. Pure.
/// Errors:    a parse function refuses a document without the one list (or object) its call is
///            about: taken for an empty list, a broken answer would look like tasks that are gone.
///            Everything inside may be absent, null or of a wrong type and reads as empty; entries
///            that are no objects, and port bindings that make no sense, are left out.
/// Source:    ECS API 2014-11-13.

std::string list_tasks_body(const EcsApi::ListTasksRequest& request);
std::string describe_tasks_body(const std::string& cluster,
                                const std::vector<std::string>& task_arns, EcsApi::TaskTags tags);
std::string describe_container_instances_body(const std::string& cluster,
                                              const std::vector<std::string>& arns);
std::string describe_task_definition_body(const std::string& definition_arn);
std::string describe_services_body(const std::string& cluster, const std::string& service);

sys::Result<EcsApi::TaskPage> parse_task_page(std::string_view body);
sys::Result<Described<Task>> parse_tasks(std::string_view body);
sys::Result<Described<ContainerInstance>> parse_container_instances(std::string_view body);
sys::Result<TaskDefinition> parse_task_definition(std::string_view body);
/// Of the first service in the answer; there is one, or it is among the failures.
sys::Result<ServiceRollout> parse_service_rollout(std::string_view body);

/// "8080-8085", or "8080" for one port. Nothing unless 1 <= first <= last <= 65535.
std::optional<PortRange> parse_port_range(std::string_view text);

}  // namespace kite::aws
