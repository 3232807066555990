#include "discovery/lookup_plan.h"

#include <set>
#include <string_view>
#include <variant>

#include "discovery/backend_filter.h"
#include "discovery/network_mode.h"

namespace kite::discovery {

namespace {

std::vector<const aws::Task*> serving_tasks(const std::vector<const aws::Task*>& tasks,
                                            const Target& target) {
  std::vector<const aws::Task*> serving;
  for (const aws::Task* task : tasks) {
    if (std::holds_alternative<const aws::Container*>(find_serving_container(*task, target))) {
      serving.push_back(task);
    }
  }
  return serving;
}

bool needs_definition(const aws::Task& task, const Target& target, const Inventory& inventory,
                      const std::set<std::string_view>& bridges) {
  if (!target.ports.empty() || task.definition_arn.empty()) return false;
  if (inventory.find_definition(task.definition_arn) != nullptr) return false;
  const NetworkMode mode = network_mode(task, target, nullptr, bridges);
  return mode == NetworkMode::task_eni || mode == NetworkMode::unknown;
}

/// A task with an interface of its own is reached there, not at its instance.
bool needs_instance(const aws::Task& task) {
  return !task.eni.has_value() && !task.container_instance_arn.empty();
}

std::vector<std::string> to_list(const std::set<std::string_view>& names) {
  return {names.begin(), names.end()};
}

}  // namespace

LookupPlan plan_lookups(const std::vector<const aws::Task*>& tasks, const Target& target,
                        const Inventory& inventory) {
  std::set<std::string_view> container_instances;
  std::set<std::string_view> definitions;
  std::set<std::string_view> interfaces;
  const std::set<std::string_view> bridges = bridge_definitions(tasks);
  for (const aws::Task* task : serving_tasks(tasks, target)) {
    if (needs_instance(*task) &&
        inventory.find_instance_id(task->container_instance_arn) == nullptr) {
      container_instances.insert(task->container_instance_arn);
    }
    if (needs_definition(*task, target, inventory, bridges)) {
      definitions.insert(task->definition_arn);
    }
    if (target.use_public_addresses && task->eni.has_value() && !task->eni->eni_id.empty()) {
      interfaces.insert(task->eni->eni_id);
    }
  }
  return {to_list(container_instances), to_list(definitions), to_list(interfaces)};
}

std::vector<std::string> plan_instances(const std::vector<const aws::Task*>& tasks,
                                        const Target& target, const Inventory& inventory) {
  std::set<std::string_view> instances;
  for (const aws::Task* task : serving_tasks(tasks, target)) {
    if (!needs_instance(*task)) continue;
    const sys::SharedText* id = inventory.find_instance_id(task->container_instance_arn);
    if (id != nullptr && id->view().starts_with("i-")) instances.insert(*id);
  }
  return to_list(instances);
}

}  // namespace kite::discovery
