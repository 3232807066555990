#include "discovery/backend_filter.h"

#include <algorithm>
#include <utility>

namespace kite::discovery {

namespace {

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

}  // namespace kite::discovery
