#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "discovery/inventory.h"
#include "discovery/network_mode.h"
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

/// Makes a survey of some tasks at a time, as thousands in one turn would hold up all who are
/// forwarded.
/// Lifetime:  borrows both; good while the inventory's version is `version()`.
class TaskSurveyor {
 public:
  TaskSurveyor(const Inventory& inventory, const Target& target);

  uint64_t version() const { return survey_.version; }
  /// Visits the next so many tasks.
  void visit_some(size_t tasks_max);
  /// It has visited all tasks.
  bool ready() const { return next_ == inventory_.tasks().end(); }
  /// Once it is ready.
  TaskSurvey finish();

 private:
  void visit(const KnownTask& known);
  void visit_serving(const aws::Task& task);
  void visit_instance(const sys::SharedText& container_instance_arn);
  bool is_settled(const aws::Task& task, const aws::Container& container) const;
  bool needs_definition(const aws::Task& task) const;
  NetworkMode mode_of(const aws::Task& task, const aws::TaskDefinition* definition) const;

  const Inventory& inventory_;
  const Target& target_;
  const std::set<std::string_view> bridges_;
  Inventory::Tasks::const_iterator next_;
  const aws::Task* first_serving_ = nullptr;
  TaskSurvey survey_;
};

}  // namespace kite::discovery
