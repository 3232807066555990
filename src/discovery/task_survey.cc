#include "discovery/task_survey.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "discovery/backend_filter.h"
#include "sys/check.h"

namespace kite::discovery {

namespace {

bool settles(const Exclusion& exclusion) {
  return exclusion.reason == ExclusionReason::other_revision ||
         exclusion.reason == ExclusionReason::other_tags ||
         exclusion.reason == ExclusionReason::container_not_found;
}

}  // namespace

TaskSurveyor::TaskSurveyor(const Inventory& inventory, const Target& target)
    : inventory_(inventory),
      target_(target),
      bridges_(bridge_definitions(inventory.all_tasks())),
      next_(inventory.tasks().begin()) {
  survey_.version = inventory.version();
  survey_.tasks.reserve(inventory.tasks().size());
}

void TaskSurveyor::visit_some(size_t tasks_max) {
  for (size_t i = 0; i < tasks_max && !ready(); ++i) visit((next_++)->second);
}

TaskSurvey TaskSurveyor::finish() {
  KITE_CHECK(ready(), "a survey ends when all tasks were visited");
  for (TaskSurvey::Texts* texts : {&survey_.instances, &survey_.interfaces,
                                   &survey_.container_instances, &survey_.definitions}) {
    std::sort(texts->begin(), texts->end());
    texts->erase(std::unique(texts->begin(), texts->end()), texts->end());
  }
  return std::move(survey_);
}

void TaskSurveyor::visit(const KnownTask& known) {
  const auto found = find_serving_container(known.task, target_);
  if (const auto* exclusion = std::get_if<Exclusion>(&found)) {
    survey_.tasks.push_back({&known, settles(*exclusion)});
    return;
  }
  survey_.tasks.push_back({&known, is_settled(known.task, **std::get_if<0>(&found))});
  visit_serving(known.task);
}

bool TaskSurveyor::is_settled(const aws::Task& task, const aws::Container& container) const {
  switch (mode_of(task, inventory_.find_definition(task.definition_arn))) {
    case NetworkMode::task_eni:
      return !task.eni->private_ipv4.empty() || !task.eni->ipv6.empty();
    case NetworkMode::bridge:
      return !container.bindings.empty();
    case NetworkMode::host:
    case NetworkMode::unknown:  // a question for DescribeTaskDefinition
      return true;
    case NetworkMode::unreachable:
      return false;
  }
  return false;
}

void TaskSurveyor::visit_serving(const aws::Task& task) {
  if (first_serving_ == nullptr) first_serving_ = &task;
  if (task.definition_arn != first_serving_->definition_arn) survey_.serving_differ = true;
  if (needs_definition(task)) survey_.definitions.push_back(task.definition_arn);
  // A task with an interface of its own is reached there, not at its instance.
  if (task.eni.has_value()) {
    if (!target_.use_public_addresses || task.eni->eni_id.empty()) return;
    survey_.interfaces.push_back(task.eni->eni_id);
  } else if (!task.container_instance_arn.empty()) {
    visit_instance(task.container_instance_arn);
  }
}

void TaskSurveyor::visit_instance(const sys::SharedText& container_instance_arn) {
  const sys::SharedText* id = inventory_.find_instance_id(container_instance_arn);
  if (id == nullptr) {
    survey_.container_instances.push_back(container_instance_arn);
  } else if (id->view().starts_with("i-")) {
    survey_.instances.push_back(*id);
  }
}

bool TaskSurveyor::needs_definition(const aws::Task& task) const {
  if (!target_.ports.empty() || task.definition_arn.empty()) return false;
  if (inventory_.find_definition(task.definition_arn) != nullptr) return false;
  const NetworkMode mode = mode_of(task, nullptr);
  return mode == NetworkMode::task_eni || mode == NetworkMode::unknown;
}

NetworkMode TaskSurveyor::mode_of(const aws::Task& task,
                                  const aws::TaskDefinition* definition) const {
  return network_mode(task, target_, definition, bridges_);
}

}  // namespace kite::discovery
