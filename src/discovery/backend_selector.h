#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "aws/model.h"
#include "discovery/backend_address.h"
#include "discovery/backend_filter.h"
#include "discovery/inventory.h"
#include "discovery/target.h"
#include "snapshot/snapshot.h"
#include "sys/shared_text.h"

namespace kite::discovery {

/// The choice: the tasks that can serve and where, and why each other task was left out. A port
/// that the target names is in the snapshot even if nothing serves it. It looks at some tasks at a
/// time, as thousands in one turn would hold up all who are forwarded.
/// Lifetime:  borrows all three; good while the inventory's version is `version()`.
class BackendSelector {
 public:
  BackendSelector(std::vector<const aws::Task*> tasks, const Target& target,
                  const Inventory& inventory);

  uint64_t version() const { return version_; }
  /// Looks at the next so many tasks.
  void look_at_some(size_t tasks_max);
  /// It has looked at all tasks.
  bool ready() const { return looked_at_ == tasks_.size(); }
  /// Once it is ready.
  Selection choose();

 private:
  /// A task that can be reached, before the rules that compare tasks are applied.
  struct Candidate {
    const aws::Task* task = nullptr;
    sys::SharedText zone;
    bool unhealthy = false;
    PortEndpoints endpoints;
  };

  void look_at(const aws::Task& task);
  void apply_health_rule();
  void apply_deployment_rule();
  snapshot::Snapshot build_snapshot() const;

  const std::vector<const aws::Task*> tasks_;
  const Target& target_;
  const Inventory& inventory_;
  const uint64_t version_;
  const std::set<std::string_view> bridges_;
  size_t looked_at_ = 0;
  std::vector<Candidate> candidates_;
  Selection selection_;
};

}  // namespace kite::discovery
