#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "discovery/inventory.h"
#include "discovery/target.h"

namespace kite::discovery {

/// What the known tasks are to a target, and what those that can serve need to be reached. It
/// follows from the inventory alone, so it is worked out once for a version of that and not in each
/// of a poll's steps: with thousands of tasks that was a third of what a calm poll cost.
/// Lifetime:  names and tasks are the inventory's; good while its version is `version`.
struct TaskSurvey {
  struct Surveyed {
    const KnownTask* known = nullptr;
    bool settled = false;  ///< nothing is expected of it but its end or a change of its health
  };
  using Texts = std::vector<std::string_view>;  ///< sorted, each once

  uint64_t version = 0;
  std::vector<Surveyed> tasks;  ///< all, by ARN
  bool serving_differ = false;  ///< those that can serve, in the definition that they run
  Texts instances;              ///< EC2 instances that hold them, never one of ECS Anywhere
  Texts interfaces;             ///< whose public addresses are wanted
  // Not known yet:
  Texts container_instances;  ///< which EC2 instance it is
  Texts definitions;          ///< for host and awsvpc tasks without configured ports
};

/// Pure.
TaskSurvey survey_tasks(const Inventory& inventory, const Target& target);

}  // namespace kite::discovery
