#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/cloud_map_api.h"
#include "aws/ec2_api.h"
#include "aws/ecs_api.h"
#include "discovery/discovery_cycle.h"
#include "discovery/discovery_log.h"
#include "discovery/discovery_source.h"
#include "discovery/discovery_stats.h"
#include "discovery/inventory.h"
#include "discovery/poll_pacer.h"
#include "discovery/siblings.h"
#include "discovery/snapshot_file.h"
#include "event/reactor.h"
#include "snapshot/snapshot_cell.h"
#include "sys/log.h"
#include "sys/random.h"

namespace kite::discovery {

/// How often a target is polled unless -poll says: Cloud Map's budget lets news come sooner.
/// DESIGN 39
PollPacer::Range default_poll(const Target& target);

/// Polls one target for ever and publishes what it finds. After every finished cycle something is
/// published, the same pointer when nothing changed; before the first usable answer nothing is, or
/// what an earlier run saved.
/// Owns:      source, inventory, pacing.
/// Lifetime:  the APIs, the cell, the random source and the logger outlive it.
/// Thread:    reactor thread only.
/// Errors:    none; a failed cycle keeps the last good set, is counted, and logged once per change.
class DiscoveryLoop {
 public:
  struct Options {
    DiscoveryCycle::Options cycle;
    PollPacer::Range poll;
  };
  struct Deps {
    event::Reactor& reactor;
    aws::EcsApi& ecs;
    aws::Ec2Api& ec2;
    snapshot::SnapshotCell& cell;
    sys::Random& random;
    sys::Logger& logger;
    SnapshotFile* cache = nullptr;          ///< null without -cache
    aws::CloudMapApi* cloud_map = nullptr;  ///< null unless the target is of a namespace
    Siblings* siblings = nullptr;           ///< null: no calls are shared
  };

  DiscoveryLoop(const Deps& deps, Options options);

  /// The first poll follows within PollPacer::kFirstJitter. Call once.
  void start();
  /// Somebody knows more: a backend refused, an operator asks. At most one early poll a second,
  /// less often while they bring nothing new, none while throttled: false then. A poll that is
  /// under way is followed by another, unless it is throttled itself.
  bool poll_soon();
  const DiscoveryStats& stats() const { return stats_; }
  std::string_view health_of(std::string_view task_id) const { return source_->health_of(task_id); }
  /// Why each listed task is not a backend, as of the last cycle whose listing was answered.
  const std::vector<Exclusion>& exclusions() const { return exclusions_; }

 private:
  std::unique_ptr<DiscoverySource> make_source(const Deps& deps, Options options);
  /// A sibling's calls brought something.
  void on_news(News news);
  /// The next poll waits as if it had been this one that was refused.
  void slow_down();
  void on_poll_due();
  void on_cycle_done(const CycleResult& result);
  /// False for a poll that a sibling's call answered: it is no news of how AWS answers.
  bool asked_itself(const CycleResult& result) const {
    return kind_ != PollKind::told || result.calls > 0;
  }
  /// The set to serve from after this cycle; null while there is none.
  snapshot::SnapshotPtr choose_set(const CycleResult& result);
  /// Whether the cycle's set is good enough to begin with.
  bool may_begin_with(const CycleResult& result);
  /// Whether it is evidence enough to drop the last backends, should its set have none.
  bool may_end_with(const CycleResult& result);
  void save(const CycleResult& result, bool set_changed);
  PollOutcome judge(const CycleResult& result, bool set_changed) const;
  void count(const CycleResult& result, bool set_changed);
  void start_timer(sys::SteadyTime next);
  /// What is due next, a listing or a round.
  sys::SteadyTime next_due() const;
  PollKind choose_kind();
  uint64_t throttled_attempts() const;
  void schedule_next(PollOutcome outcome, const CycleResult& result);
  /// When descriptions are to be renewed next, whatever else happens; never without tasks.
  sys::SteadyTime next_round(PollOutcome outcome, const CycleResult& result);
  /// When an early poll may start.
  sys::SteadyTime early_start() const;

  static constexpr uint32_t kListingsPerRound = 2;  ///< while throttled
  /// A cycle that was cut short goes on with the list it had, if that is not older.
  static constexpr sys::Duration kListAgeMax = std::chrono::minutes(5);

  /// For so long a cached set stands against a smaller one that rests on part of the answers, and
  /// the last backends against such a set without any.
  static constexpr sys::Duration kPartialPatience = std::chrono::minutes(5);

  event::Reactor& reactor_;
  aws::EcsApi& ecs_;
  aws::Ec2Api& ec2_;
  const aws::CloudMapApi* const cloud_map_;  ///< who is asked, and not the two above; or null
  snapshot::SnapshotCell& cell_;
  SnapshotFile* const cache_;
  Siblings* const siblings_;
  snapshot::SnapshotPtr remembered_;  ///< from an earlier run, while it may still be needed
  size_t empty_lists_ = 0;            ///< in a row, while what serves is from an earlier run
  std::optional<sys::SteadyTime> doubted_since_;  ///< the first of the polls that left no backend
  const std::string cluster_;
  const sys::Duration freshness_;
  PollPacer pacer_;
  Inventory inventory_;
  DiscoveryLog log_;
  DiscoveryStats stats_;
  std::vector<Exclusion> exclusions_;
  sys::SteadyTime poll_started_{};
  sys::SteadyTime list_due_{};
  sys::SteadyTime round_due_ = sys::SteadyTime::max();
  /// A round that is due so soon is made with a listing: should that find something new, it is one
  /// call for both.
  sys::Duration round_ahead_{};
  bool many_rounds_ = false;  ///< one round does not describe all
  sys::SteadyTime begun_{};
  sys::SteadyTime listed_at_{};
  sys::Duration listing_took_{};
  PollKind kind_ = PollKind::both;  ///< of the poll that began last
  uint32_t listings_since_round_ = 0;
  bool unfinished_ = false;        ///< listed, but not all of it described and looked up
  bool had_set_ = false;           ///< when the poll that began last began
  uint64_t throttled_before_ = 0;  ///< attempts, when it began
  bool poll_again_ = false;        ///< asked for while no timer was armed: in a cycle
  bool told_ = false;              ///< a sibling's call said something new
  bool list_given_ = false;        ///< a sibling's listing is for the next poll
  bool refusal_heard_ = false;     ///< by a sibling, while a cycle ran
  event::Timer timer_;
  const std::unique_ptr<DiscoverySource> source_;
};

}  // namespace kite::discovery
