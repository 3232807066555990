#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "aws/model.h"
#include "discovery/target.h"

namespace kite::discovery {

/// Where a task's container listens. DescribeTasks does not name the mode; it shows through.
enum class NetworkMode : uint8_t {
  task_eni,     ///< awsvpc, Fargate: the task's interface and the container port
  bridge,       ///< the instance and the host ports of the bindings
  host,         ///< the instance and the container port
  unreachable,  ///< mode none, or awsvpc whose interface is not attached yet
  unknown,      ///< only the task definition can tell, and it is not known
};

/// Definitions that must be bridge because one of their tasks has bindings and no interface of its
/// own. A task that has no bindings yet is told from a host-mode task by its siblings, for free.
std::set<std::string_view> bridge_definitions(const std::vector<const aws::Task*>& tasks);

/// `definition` is null when not known. Without it and with configured ports the task is taken for
/// host mode: bridge tasks show their bindings.
/// Source:    the agent fills networkBindings from Docker's published ports, which host and awsvpc
///            containers do not have.
NetworkMode network_mode(const aws::Task& task, const Target& target,
                         const aws::TaskDefinition* definition,
                         const std::set<std::string_view>& bridge_definitions);

}  // namespace kite::discovery
