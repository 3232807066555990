#pragma once

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
};

}  // namespace kite::discovery
