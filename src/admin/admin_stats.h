#pragma once

#include <cstdint>

namespace kite::admin {

/// Counters of the admin server. Plain numbers, written on the reactor thread.
struct AdminStats {
  uint64_t accepted_total = 0;
  uint64_t answered_total = 0;   ///< with a page, whatever its status
  uint64_t refused_total = 0;    ///< answered without one: broken, too large, foreign
  uint64_t evicted_total = 0;    ///< closed unfinished because newer clients needed the place
  uint64_t timed_out_total = 0;  ///< closed because they took too long
};

}  // namespace kite::admin
