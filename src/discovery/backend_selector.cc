#include "discovery/backend_selector.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "discovery/network_mode.h"
#include "sys/check.h"

namespace kite::discovery {

namespace {

sys::SharedText zone_of(const aws::Task& task, const Inventory& inventory) {
  if (!task.availability_zone.empty()) return task.availability_zone;
  const sys::SharedText* id = inventory.find_instance_id(task.container_instance_arn);
  const aws::Instance* instance = id == nullptr ? nullptr : inventory.find_instance(*id);
  return instance == nullptr ? sys::SharedText() : instance->availability_zone;
}

}  // namespace

BackendSelector::BackendSelector(std::vector<const aws::Task*> tasks, const Target& target,
                                 const Inventory& inventory)
    : tasks_(std::move(tasks)),
      target_(target),
      inventory_(inventory),
      version_(inventory.version()),
      bridges_(bridge_definitions(tasks_)) {}

void BackendSelector::look_at_some(size_t tasks_max) {
  const size_t end = std::min(looked_at_ + tasks_max, tasks_.size());
  while (looked_at_ < end) look_at(*tasks_[looked_at_++]);
}

void BackendSelector::look_at(const aws::Task& task) {
  const auto found = find_serving_container(task, target_);
  if (const auto* exclusion = std::get_if<Exclusion>(&found)) {
    selection_.exclusions.push_back(*exclusion);
    return;
  }
  const aws::Container& container = **std::get_if<const aws::Container*>(&found);
  const NetworkMode mode =
      network_mode(task, target_, inventory_.find_definition(task.definition_arn), bridges_);
  auto located = locate(task, container, mode, target_, inventory_);
  if (auto* exclusion = std::get_if<Exclusion>(&located)) {
    selection_.exclusions.push_back(std::move(*exclusion));
    return;
  }
  candidates_.push_back({&task, zone_of(task, inventory_), container.health_status == "UNHEALTHY",
                         std::move(*std::get_if<PortEndpoints>(&located))});
}

Selection BackendSelector::choose() {
  KITE_CHECK(ready(), "who chooses has looked at all");
  apply_health_rule();
  apply_deployment_rule();
  selection_.tasks_disconnected = static_cast<size_t>(std::count_if(
      candidates_.begin(), candidates_.end(),
      [](const Candidate& candidate) { return candidate.task->connectivity == "DISCONNECTED"; }));
  selection_.snapshot = build_snapshot();
  return std::move(selection_);
}

/// A container that cannot be reached is simply not there, so it does not count among the healthy.
void BackendSelector::apply_health_rule() {
  const bool all_unhealthy =
      std::all_of(candidates_.begin(), candidates_.end(),
                  [](const Candidate& candidate) { return candidate.unhealthy; });
  if (all_unhealthy) return;
  for (const Candidate& candidate : candidates_) {
    if (!candidate.unhealthy) continue;
    selection_.exclusions.push_back(leave_out(*candidate.task, ExclusionReason::unhealthy,
                                              "its container health check says UNHEALTHY"));
  }
  std::erase_if(candidates_, [](const Candidate& candidate) { return candidate.unhealthy; });
}

/// What the PRIMARY deployment runs, as soon as any of it serves; until then what served before.
void BackendSelector::apply_deployment_rule() {
  const PrimaryDeployment* primary =
      target_.primary_deployment_only ? inventory_.find_primary(target_.service) : nullptr;
  if (primary == nullptr) return;
  const auto is_other = [&](const Candidate& candidate) {
    return candidate.task->definition_arn != primary->definition_arn;
  };
  if (std::all_of(candidates_.begin(), candidates_.end(), is_other)) return;
  for (const Candidate& candidate : candidates_) {
    if (!is_other(candidate)) continue;
    selection_.exclusions.push_back(
        leave_out(*candidate.task, ExclusionReason::other_deployment,
                  "runs " + std::string(arn_id(candidate.task->definition_arn)) +
                      ", the service's PRIMARY deployment is " +
                      std::string(arn_id(primary->definition_arn))));
  }
  std::erase_if(candidates_, is_other);
}

snapshot::Snapshot BackendSelector::build_snapshot() const {
  std::vector<snapshot::BackendTask> tasks;
  tasks.reserve(candidates_.size());
  std::map<uint16_t, snapshot::PortBackends> ports;
  for (const uint16_t port : target_.ports) ports[port].container_port = port;
  for (const Candidate& candidate : candidates_) {
    const auto task_index = static_cast<uint32_t>(tasks.size());
    tasks.push_back({arn_id(candidate.task->arn), candidate.zone});
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

}  // namespace kite::discovery
