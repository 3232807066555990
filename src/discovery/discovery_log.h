#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "discovery/discovery_cycle.h"
#include "snapshot/snapshot.h"
#include "sys/log.h"

namespace kite::discovery {

/// Tells what changed from one cycle to the next, once: the set, failures and their end, the reason
/// why a task is left out. What stays the same is silent, or debug.
/// Owns:      what was said last.
class DiscoveryLog {
 public:
  static constexpr size_t kExclusionLinesMax = 20;  ///< at info, each cycle; the rest is counted

  DiscoveryLog(sys::Logger& logger, std::string target)
      : logger_(logger), target_(std::move(target)) {}

  /// `before` is null before the first set, `now` while there is none; a set that is as before is
  /// the same object.
  void on_cycle(const CycleResult& result, const snapshot::Snapshot* before,
                const snapshot::Snapshot* now);
  /// The same of a cycle that asked nobody: it knows of no failure, nor of its end.
  void on_told(const CycleResult& result, const snapshot::Snapshot* before,
               const snapshot::Snapshot* now);
  void on_cache_used(const snapshot::Snapshot& set, std::chrono::seconds age);
  void on_cache_left();

 private:
  void log_set(const snapshot::Snapshot* before, const snapshot::Snapshot& now);
  void log_listing(const CycleResult& result, size_t backends_kept);
  void log_doubt(const CycleResult& result, size_t backends_kept);
  void log_disconnected(size_t tasks);
  void log_problems(const CycleResult& result, size_t backends_kept);
  void log_exclusions(const CycleResult& result);

  sys::Logger& logger_;
  const std::string target_;
  std::map<std::string, std::set<std::string>> failing_;    ///< operation -> kinds told
  std::map<std::string, ExclusionReason> told_exclusions_;  ///< by task id
  bool told_empty_ = false;
  bool told_doubt_ = false;
  bool told_all_missing_ = false;
  bool told_disconnected_ = false;
  bool told_cut_ = false;
};

}  // namespace kite::discovery
