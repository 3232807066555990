#include "discovery/network_mode.h"

#include <algorithm>

namespace kite::discovery {

namespace {

bool has_bindings(const aws::Task& task) {
  return std::any_of(task.containers.begin(), task.containers.end(),
                     [](const aws::Container& container) { return !container.bindings.empty(); });
}

}  // namespace

std::set<std::string_view> bridge_definitions(const std::vector<const aws::Task*>& tasks) {
  std::set<std::string_view> definitions;
  for (const aws::Task* task : tasks) {
    if (!task->eni.has_value() && has_bindings(*task)) definitions.insert(task->definition_arn);
  }
  return definitions;
}

NetworkMode network_mode(const aws::Task& task, const Target& target,
                         const aws::TaskDefinition* definition,
                         const std::set<std::string_view>& bridge_definitions) {
  if (task.eni.has_value()) return NetworkMode::task_eni;
  if (task.container_instance_arn.empty()) return NetworkMode::unreachable;
  if (has_bindings(task) || bridge_definitions.contains(task.definition_arn)) {
    return NetworkMode::bridge;
  }
  if (definition == nullptr) return target.ports.empty() ? NetworkMode::unknown : NetworkMode::host;
  if (definition->network_mode == "host") return NetworkMode::host;
  if (definition->network_mode == "none" || definition->network_mode == "awsvpc") {
    return NetworkMode::unreachable;
  }
  return NetworkMode::bridge;  // "bridge", "default" and Windows' "nat"
}

}  // namespace kite::discovery
