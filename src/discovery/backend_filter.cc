#include "discovery/backend_filter.h"

#include <algorithm>
#include <map>
#include <utility>

#include "discovery/backend_address.h"
#include "discovery/network_mode.h"

namespace kite::discovery {

namespace {

/// A task that can be reached, before the health rule is applied.
struct Candidate {
  const aws::Task* task = nullptr;
  bool unhealthy = false;
  PortEndpoints endpoints;
};

std::string container_names(const aws::Task& task) {
  std::string names;
  for (const aws::Container& container : task.containers) {
    if (!names.empty()) names += ", ";
    names += container.name.view();
  }
  return names.empty() ? "none" : names;
}

/// The running one of that name; else the first of that name; null when there is none.
const aws::Container* find_container(const aws::Task& task, const std::string& name) {
  const aws::Container* named = nullptr;
  for (const aws::Container& container : task.containers) {
    if (container.name != name) continue;
    if (container.last_status == "RUNNING") return &container;
    if (named == nullptr) named = &container;
  }
  return named;
}

bool is_other_revision(const aws::Task& task, const Target& target) {
  if (!target.revision.has_value()) return false;
  const auto name = parse_definition_arn(task.definition_arn);
  return !name.has_value() || name->family != target.family || name->revision != *target.revision;
}

/// Empty when the task has all tags that are wanted; else the first that it lacks.
std::string lacking_tag(const aws::Task& task, const Target& target) {
  for (const Target::Tag& wanted : target.tags) {
    const auto matches = [&](const aws::Tag& tag) {
      return tag.key == wanted.key && tag.value == wanted.value;
    };
    if (!task.tags.has_value()) return wanted.key + ", as ECS did not tell its tags";
    if (std::none_of(task.tags->begin(), task.tags->end(), matches)) {
      return wanted.key + "=" + wanted.value;
    }
  }
  return {};
}

sys::SharedText zone_of(const aws::Task& task, const Inventory& inventory) {
  if (!task.availability_zone.empty()) return task.availability_zone;
  const sys::SharedText* id = inventory.find_instance_id(task.container_instance_arn);
  const aws::Instance* instance = id == nullptr ? nullptr : inventory.find_instance(*id);
  return instance == nullptr ? sys::SharedText() : instance->availability_zone;
}

snapshot::Snapshot build_snapshot(const std::vector<Candidate>& serving, const Target& target,
                                  const Inventory& inventory) {
  std::vector<snapshot::BackendTask> tasks;
  std::map<uint16_t, snapshot::PortBackends> ports;
  for (const uint16_t port : target.ports) ports[port].container_port = port;
  for (const Candidate& candidate : serving) {
    const auto task_index = static_cast<uint32_t>(tasks.size());
    tasks.push_back({arn_id(candidate.task->arn), zone_of(*candidate.task, inventory)});
    for (const auto& [port, endpoints] : candidate.endpoints) {
      snapshot::PortBackends& entry = ports[port];
      entry.container_port = port;
      for (const sys::Endpoint& endpoint : endpoints) {
        entry.backends.push_back({endpoint, task_index});
      }
    }
  }
  std::vector<snapshot::PortBackends> entries;
  for (auto& [port, entry] : ports) entries.push_back(std::move(entry));
  return snapshot::Snapshot(std::move(tasks), std::move(entries));
}

/// A container that cannot be reached is simply not there, so it does not count among the healthy.
void apply_health_rule(std::vector<Candidate>& candidates, std::vector<Exclusion>& exclusions) {
  const bool all_unhealthy =
      std::all_of(candidates.begin(), candidates.end(),
                  [](const Candidate& candidate) { return candidate.unhealthy; });
  if (all_unhealthy) return;
  for (const Candidate& candidate : candidates) {
    if (!candidate.unhealthy) continue;
    exclusions.push_back(leave_out(*candidate.task, ExclusionReason::unhealthy,
                                   "its container health check says UNHEALTHY"));
  }
  std::erase_if(candidates, [](const Candidate& candidate) { return candidate.unhealthy; });
}

/// What the PRIMARY deployment runs, as soon as any of it serves; until then what served before.
void apply_deployment_rule(const Target& target, const Inventory& inventory,
                           std::vector<Candidate>& candidates, std::vector<Exclusion>& exclusions) {
  const PrimaryDeployment* primary =
      target.primary_deployment_only ? inventory.find_primary(target.service) : nullptr;
  if (primary == nullptr) return;
  const auto is_other = [&](const Candidate& candidate) {
    return candidate.task->definition_arn != primary->definition_arn;
  };
  if (std::all_of(candidates.begin(), candidates.end(), is_other)) return;
  for (const Candidate& candidate : candidates) {
    if (!is_other(candidate)) continue;
    exclusions.push_back(leave_out(*candidate.task, ExclusionReason::other_deployment,
                                   "runs " + std::string(arn_id(candidate.task->definition_arn)) +
                                       ", the service's PRIMARY deployment is " +
                                       std::string(arn_id(primary->definition_arn))));
  }
  std::erase_if(candidates, is_other);
}

}  // namespace

Exclusion leave_out(const aws::Task& task, ExclusionReason reason, std::string detail) {
  return Exclusion{std::string(arn_id(task.arn)), reason, std::move(detail)};
}

std::string_view reason_name(ExclusionReason reason) {
  switch (reason) {
    case ExclusionReason::missing:
      return "missing";
    case ExclusionReason::not_described:
      return "not_described";
    case ExclusionReason::other_revision:
      return "other_revision";
    case ExclusionReason::other_tags:
      return "other_tags";
    case ExclusionReason::not_running:
      return "not_running";
    case ExclusionReason::container_not_found:
      return "container_not_found";
    case ExclusionReason::container_not_running:
      return "container_not_running";
    case ExclusionReason::unhealthy:
      return "unhealthy";
    case ExclusionReason::other_deployment:
      return "other_deployment";
    case ExclusionReason::missing_definition:
      return "missing_definition";
    case ExclusionReason::no_ports:
      return "no_ports";
    case ExclusionReason::no_address:
      return "no_address";
    case ExclusionReason::external_instance:
      return "external_instance";
    case ExclusionReason::missing_public_address:
      return "missing_public_address";
  }
  return "unknown";
}

std::variant<const aws::Container*, Exclusion> find_serving_container(const aws::Task& task,
                                                                      const Target& target) {
  if (is_other_revision(task, target)) {
    return leave_out(task, ExclusionReason::other_revision,
                     "runs " + std::string(arn_id(task.definition_arn)));
  }
  if (const std::string lacking = lacking_tag(task, target); !lacking.empty()) {
    return leave_out(task, ExclusionReason::other_tags, "lacks the tag " + lacking);
  }
  if (task.last_status != "RUNNING" || task.desired_status != "RUNNING") {
    return leave_out(
        task, ExclusionReason::not_running,
        "lastStatus is " + task.last_status + ", desiredStatus is " + task.desired_status);
  }
  const aws::Container* container = find_container(task, target.container);
  if (container == nullptr) {
    return leave_out(
        task, ExclusionReason::container_not_found,
        "no container is named " + target.container + "; it has " + container_names(task));
  }
  if (container->last_status != "RUNNING") {
    return leave_out(task, ExclusionReason::container_not_running,
                     "container " + container->name + " is " + container->last_status);
  }
  return container;
}

Selection select_backends(const std::vector<const aws::Task*>& tasks, const Target& target,
                          const Inventory& inventory) {
  Selection selection;
  std::vector<Candidate> candidates;
  const std::set<std::string_view> bridges = bridge_definitions(tasks);
  for (const aws::Task* task : tasks) {
    const auto found = find_serving_container(*task, target);
    if (const auto* exclusion = std::get_if<Exclusion>(&found)) {
      selection.exclusions.push_back(*exclusion);
      continue;
    }
    const aws::Container& container = **std::get_if<const aws::Container*>(&found);
    const NetworkMode mode =
        network_mode(*task, target, inventory.find_definition(task->definition_arn), bridges);
    auto located = locate(*task, container, mode, target, inventory);
    if (auto* exclusion = std::get_if<Exclusion>(&located)) {
      selection.exclusions.push_back(std::move(*exclusion));
      continue;
    }
    candidates.push_back({task, container.health_status == "UNHEALTHY",
                          std::move(*std::get_if<PortEndpoints>(&located))});
  }
  apply_health_rule(candidates, selection.exclusions);
  apply_deployment_rule(target, inventory, candidates, selection.exclusions);
  selection.tasks_disconnected = static_cast<size_t>(std::count_if(
      candidates.begin(), candidates.end(),
      [](const Candidate& candidate) { return candidate.task->connectivity == "DISCONNECTED"; }));
  selection.snapshot = build_snapshot(candidates, target, inventory);
  return selection;
}

}  // namespace kite::discovery
