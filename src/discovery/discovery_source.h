#pragma once

#include <string_view>

#include "discovery/cycle_result.h"
#include "discovery/describe_plan.h"
#include "event/handler.h"

namespace kite::discovery {

/// Whoever can be asked, again and again, what serves: ECS, or Cloud Map.
class DiscoverySource {
 public:
  /// Called once per start(), in a turn in which nothing else of the source runs; it may start the
  /// next poll.
  using OnDone = event::Handler<void(const CycleResult&)>;

  virtual ~DiscoverySource() = default;
  /// Begins one poll. Requires that none runs.
  virtual void start(const Occasion& occasion) = 0;
  /// The budget was found used up: whoever draws on it too should hear of that.
  virtual void tell_throttling() {}
  /// Whether there are others to share calls with.
  virtual bool shares_calls() const { return false; }
  /// What AWS last said of a task's health, by its id in the snapshot: HEALTHY, UNHEALTHY or
  /// UNKNOWN; empty when nothing. Not part of the snapshot: the proxy has no use for it.
  virtual std::string_view health_of(std::string_view task_id) const = 0;
};

}  // namespace kite::discovery
