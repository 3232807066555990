#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "proxy/backend_health.h"
#include "proxy/backend_id.h"
#include "proxy/backend_stats.h"
#include "proxy/numbered.h"
#include "snapshot/snapshot.h"
#include "sys/log.h"
#include "sys/random.h"

namespace kite::proxy {

class BackendSet;

/// What the data path knows of every backend, across ports, targets and snapshots: health and
/// counters by address and task, load by task. DESIGN 41
/// Owns:      the entries. One that no set lists goes with its last connection.
/// Lifetime:  random source and logger outlive it; the sets that follow it do not.
/// Thread:    reactor thread only.
/// Errors:    none; an ejection and a return are logged once each.
class BackendTable {
 public:
  struct Options {
    uint32_t eject_after = 3;                             ///< failures in a row; 0: never
    bool eject_on_reset = false;                          ///< early resets are failures too
    sys::Duration slow_start = std::chrono::seconds(10);  ///< 0: full share at once
  };
  /// Shares are counted in this: a slow starter's grows from a tenth of it.
  static constexpr uint32_t kFullWeight = 1024;

  BackendTable(const Options& options, sys::Random& random, sys::Logger& log)
      : options_(options), random_(random), log_(log) {}

  // -- who is listed ------------------------------------------------------------------------------

  /// A task whose backends are about to be listed; hold() and drop() come in pairs.
  /// `warm`: it has been there before we looked, so it takes its full share at once.
  uint32_t hold_task(const snapshot::BackendTask& task, sys::SteadyTime now, bool warm);
  void drop_task(uint32_t task);
  struct Place {
    uint16_t target = 0;
    uint16_t container_port = 0;
    auto operator<=>(const Place&) const = default;
  };
  /// list() and unlist() come in pairs.
  BackendId list(const sys::Endpoint& endpoint, uint32_t task, Place place);
  void unlist(BackendId id);
  /// Sets are asked whether a backend may be ejected.
  void add_set(BackendSet& set) { sets_.push_back(&set); }
  void remove_set(BackendSet& set);
  /// Takes backends back until no more than half of the set are out.
  void readmit_excess(const BackendSet& set);
  /// Gives back the room of what is gone.
  void shrink();

  // -- what choices are made by -------------------------------------------------------------------

  /// Changes with every change of health, so that what was derived from it can be kept meanwhile.
  uint64_t epoch() const { return epoch_; }
  const sys::Endpoint& endpoint(BackendId id) const { return backends_[id].endpoint; }
  const BackendHealth& health(BackendId id) const { return backends_[id].health; }
  std::string_view zone(BackendId id) const { return tasks_[backends_[id].task].zone; }
  uint32_t task(BackendId id) const { return backends_[id].task; }
  std::string_view task_id(BackendId id) const { return tasks_[backends_[id].task].id; }
  /// Connections of a task now, those still being connected included.
  uint32_t load(uint32_t task) const { return tasks_[task].connections; }
  /// When the backend's share is full; in the past for nearly all.
  sys::SteadyTime ramp_end(BackendId id) const { return backends_[id].ramp_end; }
  /// From kFullWeight / 10 to kFullWeight.
  uint32_t weight(BackendId id, sys::SteadyTime now) const;

  // -- what becomes of connections ----------------------------------------------------------------

  /// A connect to the backend begins: it counts as load until end_connection().
  void begin_connection(BackendId id, bool probe);
  void note_connected(BackendId id, sys::SteadyTime now);
  /// How an attempt that failed came about.
  struct Failure {
    bool probe = false;
    int code = 0;             ///< errno
    sys::SteadyTime since{};  ///< of a connection that was made: when; else the time of the failure
  };
  /// A refused or overdue connect. Of a probe, and only of one, it prolongs an ejection.
  void note_connect_failed(BackendId id, const Failure& failure, sys::SteadyTime now);
  /// The probe ended for a reason that is not the backend's.
  void abandon_probe(BackendId id);
  struct Traffic {
    uint64_t client_to_backend_bytes = 0;
    uint64_t backend_to_client_bytes = 0;
    bool reset_by_backend = false;
    sys::SteadyTime connected_at{};
  };
  /// How an established connection fared. Returns whether that counts as a failure.
  bool note_tunnel_end(BackendId id, const Traffic& traffic, sys::SteadyTime now);
  void end_connection(BackendId id);
  /// A probe that is connected has been kept for long enough.
  void note_probe_passed(BackendId id, sys::SteadyTime now) { note_success(id, now); }

  // -- what operators see -------------------------------------------------------------------------

  const BackendTableStats& stats() const { return stats_; }
  /// Of backends that were listed there first, those that have left included.
  uint64_t ejections_total(Place place) const;
  /// Appends every backend, ordered by address.
  void view(sys::SteadyTime now, std::vector<BackendView>& out) const;
  size_t size() const { return by_endpoint_.size(); }
  size_t task_count() const { return by_task_id_.size(); }

 private:
  struct Task {
    sys::SharedText id;
    sys::SharedText zone;
    uint32_t holds = 0;  ///< by snapshots in force and by backends
    uint32_t connections = 0;
    sys::SteadyTime ramp_end{};
  };
  struct Backend {
    sys::Endpoint endpoint;
    uint32_t task = 0;
    uint32_t listings = 0;
    uint32_t connections = 0;
    Place place;
    BackendHealth health;
    sys::SteadyTime ramp_end{};
    BackendCounters counters;
  };
  using Index = std::vector<uint32_t>;  // numbers, ordered by what they stand for

  Index::iterator find_place(const sys::Endpoint& endpoint, uint32_t task);
  Index::iterator find_task_place(std::string_view id);
  void remove_if_unused(BackendId id);
  void note_success(BackendId id, sys::SteadyTime now);
  void note_failure(BackendId id, const Failure& failure, sys::SteadyTime now);
  bool may_eject(BackendId id) const;
  void eject(BackendId id, int code, sys::SteadyTime now);
  BackendState state(const Backend& backend, sys::SteadyTime now) const;

  const Options options_;
  sys::Random& random_;
  sys::Logger& log_;
  Numbered<Task> tasks_;
  Numbered<Backend> backends_;
  Index by_task_id_;
  Index by_endpoint_;           // and by task, because an address may pass from one to another
  size_t next_task_place_ = 0;  // where in these two what comes next in order would be
  size_t next_place_ = 0;
  std::vector<BackendSet*> sets_;
  uint64_t epoch_ = 0;
  BackendTableStats stats_;
  std::map<Place, uint64_t> ejections_by_place_;  // no more than there are ports of targets
};

}  // namespace kite::proxy
