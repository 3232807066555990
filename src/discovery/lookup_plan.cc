#include "discovery/lookup_plan.h"

#include <algorithm>
#include <optional>
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

/// EC2 never told of it, or too long ago.
bool is_due(std::string_view ec2_id, bool usable, const Inventory& inventory,
            const AddressAges& ages) {
  const std::optional<sys::SteadyTime> told_at = inventory.told_at(ec2_id);
  return !told_at.has_value() || *told_at + (usable ? ages.usable : ages.wanting) <= ages.now;
}

bool is_usable(const aws::Instance* instance, const Target& target) {
  if (instance == nullptr || instance->state != "running") return false;
  if (target.use_public_addresses) return !instance->public_ip.empty();
  return !instance->private_ip.empty() || !instance->ipv6.empty();
}

bool is_usable(const aws::NetworkInterface* interface) {
  return interface != nullptr && !interface->public_ip.empty();
}

/// While all run the same there is nothing to choose, whichever deployment is the PRIMARY one.
bool needs_primary(const std::vector<const aws::Task*>& serving, const Target& target,
                   const Inventory& inventory, const AddressAges& ages) {
  if (!target.primary_deployment_only || serving.empty()) return false;
  const sys::SharedText& first = serving.front()->definition_arn;
  const bool differ = std::any_of(serving.begin(), serving.end(), [&](const aws::Task* task) {
    return task->definition_arn != first;
  });
  if (!differ) return false;
  const PrimaryDeployment* known = inventory.find_primary(target.service);
  return known == nullptr || known->told_at + ages.wanting <= ages.now;
}

std::vector<std::string> to_list(const std::set<std::string_view>& names) {
  return {names.begin(), names.end()};
}

}  // namespace

LookupPlan plan_lookups(const std::vector<const aws::Task*>& tasks, const Target& target,
                        const Inventory& inventory, const AddressAges& ages) {
  std::set<std::string_view> container_instances;
  std::set<std::string_view> definitions;
  std::set<std::string_view> interfaces;
  const std::set<std::string_view> bridges = bridge_definitions(tasks);
  const std::vector<const aws::Task*> serving = serving_tasks(tasks, target);
  for (const aws::Task* task : serving) {
    if (needs_instance(*task) &&
        inventory.find_instance_id(task->container_instance_arn) == nullptr) {
      container_instances.insert(task->container_instance_arn);
    }
    if (needs_definition(*task, target, inventory, bridges)) {
      definitions.insert(task->definition_arn);
    }
    if (!target.use_public_addresses || !task->eni.has_value()) continue;
    const sys::SharedText& id = task->eni->eni_id;
    if (!id.empty() && is_due(id, is_usable(inventory.find_interface(id)), inventory, ages)) {
      interfaces.insert(id);
    }
  }
  LookupPlan plan{to_list(container_instances), to_list(definitions), to_list(interfaces), {}};
  if (needs_primary(serving, target, inventory, ages)) plan.services = {target.service};
  return plan;
}

std::vector<std::string> plan_instances(const std::vector<const aws::Task*>& tasks,
                                        const Target& target, const Inventory& inventory,
                                        const AddressAges& ages) {
  std::set<std::string_view> instances;
  for (const aws::Task* task : serving_tasks(tasks, target)) {
    if (!needs_instance(*task)) continue;
    const sys::SharedText* id = inventory.find_instance_id(task->container_instance_arn);
    if (id != nullptr && id->view().starts_with("i-")) instances.insert(*id);
  }
  std::erase_if(instances, [&](std::string_view id) {
    return !is_due(id, is_usable(inventory.find_instance(id), target), inventory, ages);
  });
  return to_list(instances);
}

}  // namespace kite::discovery
