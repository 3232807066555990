#include "discovery/evidence.h"

#include <algorithm>

#include "sys/endpoint.h"

namespace kite::discovery {

namespace {

bool has_address(const aws::Task& task) {
  return task.eni && (sys::Endpoint::parse(task.eni->private_ipv4, 0).ok() ||
                      sys::Endpoint::parse(task.eni->ipv6, 0).ok());
}

}  // namespace

bool is_told(const aws::Task& task, const aws::Task* before) {
  if (task.last_status.empty() || task.desired_status.empty()) return false;
  if (task.last_status != "RUNNING") return true;
  if (before != nullptr) {
    if (task.definition_arn.empty() && !before->definition_arn.empty()) return false;
    if (!has_address(task) && has_address(*before)) return false;
    if (!task.tags.has_value() && before->tags.has_value()) return false;
  }
  const bool has_place = task.eni.has_value() || !task.container_instance_arn.empty();
  return has_place && !task.containers.empty() &&
         std::none_of(task.containers.begin(), task.containers.end(),
                      [](const aws::Container& container) {
                        return container.name.empty() || container.last_status.empty();
                      });
}

bool is_told(const aws::Instance& instance) {
  return !instance.state.empty() || !instance.private_ip.empty() || !instance.ipv6.empty();
}

bool is_told(const aws::NetworkInterface& interface) {
  return !interface.private_ip.empty() || !interface.ipv6.empty();
}

}  // namespace kite::discovery
