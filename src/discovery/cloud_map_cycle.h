#pragma once

#include <cstdint>
#include <optional>

#include "aws/cloud_map_api.h"
#include "discovery/call_queue.h"
#include "discovery/discovery_source.h"
#include "discovery/instance_filter.h"
#include "discovery/target.h"
#include "event/reactor.h"
#include "sys/clock.h"

namespace kite::discovery {

/// One poll of Cloud Map, as DiscoveryCycle is one of ECS: the revision, and the instances when it
/// is another one or when they were told too long ago, for health does not change it. DESIGN 39
/// Only evidence takes an instance away: a full answer without it. An empty one counts when it
/// comes twice in a row.
/// Owns:      the call in flight, and the instances as last told.
/// Lifetime:  the API outlives it.
/// Thread:    reactor thread only.
/// Errors:    none thrown; a result always comes, at the latest at the deadline.
/// Source:    Cloud Map API 2017-03-14.
class CloudMapCycle final : public DiscoverySource {
 public:
  struct Options {
    Target target;
    sys::Duration deadline = std::chrono::seconds(20);
    sys::Duration fresh_for = std::chrono::seconds(30);  ///< what was told of health
  };

  CloudMapCycle(event::Reactor& reactor, aws::CloudMapApi& api, Options options, OnDone on_done);

  void start(const Occasion& occasion) override;
  std::string_view health_of(std::string_view task_id) const override;
  bool running() const { return running_; }

 private:
  void on_drained();
  void on_deadline();
  void ask_revision();
  void on_revision(const aws::CallResult<int64_t>& answer);
  void ask_instances();
  void on_instances(const aws::CallResult<aws::RegisteredInstances>& answer);
  void learn(const aws::RegisteredInstances& told);
  bool must_ask_instances(const Occasion& occasion) const;
  void finish();

  event::Reactor& reactor_;
  aws::CloudMapApi& api_;
  const Options options_;
  const OnDone on_done_;
  const aws::CloudMapApi::Query query_;

  bool running_ = false;
  RegisteredById instances_;
  std::optional<int64_t> revision_;  ///< of instances_; nothing when they must be asked for again
  sys::SteadyTime told_at_{};
  size_t empty_answers_ = 0;  ///< in a row
  /// What follows from instances_.
  struct {
    snapshot::SnapshotPtr snapshot;
    std::vector<Exclusion> exclusions;
  } selected_;
  CycleResult result_;
  uint64_t calls_before_ = 0;

  event::Timer deadline_;
  CallQueue queue_;  // last: its calls call the members above
};

}  // namespace kite::discovery
