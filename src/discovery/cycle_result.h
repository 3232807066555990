#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aws/call_error.h"
#include "discovery/backend_filter.h"
#include "snapshot/snapshot.h"
#include "sys/clock.h"

namespace kite::discovery {

/// A kind of failure within one cycle; equal ones are counted.
struct CycleProblem {
  aws::CallError error;
  uint32_t count = 1;
};

/// What the list of tasks was worth as evidence.
enum class Listing : uint8_t {
  complete,
  unconfirmed_empty,  ///< empty for the first time: the known tasks are kept for one more poll
  skipped,            ///< not asked for: the list of the poll before stands
  failed,             ///< a page is missing, so no task can be called gone
};

/// What one cycle found out.
struct CycleResult {
  static constexpr size_t kProblemsMax = 16;

  /// Counts a failure. What was asked is then not answered in full.
  void note_problem(aws::CallError error);

  Listing listing = Listing::failed;
  /// Null when the listing failed: what was known before stands unchanged. The same pointer as
  /// long as the set is the same.
  snapshot::SnapshotPtr snapshot;
  /// Every call was answered. Otherwise `snapshot` rests in part on earlier answers.
  bool complete = false;
  bool throttled = false;
  bool listing_cut = false;  ///< the list is as long as one answer can be: there may be more
  bool all_missing = false;  ///< every listed task is MISSING: the cluster or region may be wrong
  std::vector<Exclusion> exclusions;
  std::vector<CycleProblem> problems;  ///< at most kProblemsMax kinds
  size_t tasks_listed = 0;
  size_t tasks_disconnected = 0;  ///< of the backends: their statuses are old
  uint64_t calls = 0;
  /// When the oldest description among the known tasks came; nothing without tasks.
  std::optional<sys::SteadyTime> oldest_description;
};

/// A failure that discovery itself sees in what AWS answered, or did not.
aws::CallError own_error(const char* operation, const char* code, std::string message,
                         aws::ErrorClass error_class = aws::ErrorClass::malformed_answer);

}  // namespace kite::discovery
