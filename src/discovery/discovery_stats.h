#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sys/clock.h"
#include "sys/duration_histogram.h"

namespace kite::discovery {

/// From one call, or a cached connection to AWS, to a cycle that ran into its deadline.
struct CycleTimes {
  using ms = std::chrono::milliseconds;
  static constexpr std::array<sys::Duration, 11> kEdges = {ms(10),   ms(25),    ms(50),   ms(100),
                                                           ms(250),  ms(500),   ms(1000), ms(2500),
                                                           ms(5000), ms(10000), ms(20000)};
};

/// Plain counters of one discovery loop. Names come with the arrays so that whoever renders them
/// needs no other header.
struct DiscoveryStats {
  static constexpr size_t kErrorClasses = 11;
  static constexpr size_t kExclusionReasons = 14;
  struct Named {
    std::string_view name;
    uint64_t count = 0;
  };

  uint64_t cycles_started = 0;
  uint64_t cycles_complete = 0;
  uint64_t cycles_partial = 0;  ///< listed, but some later call failed
  uint64_t cycles_failed = 0;   ///< the listing failed: nothing learned
  uint64_t cycles_throttled = 0;
  uint64_t empty_lists_kept = 0;  ///< first empty lists, not believed yet
  uint64_t set_changes = 0;
  uint64_t calls = 0;
  uint64_t early_polls = 0;
  uint64_t early_polls_refused = 0;  ///< while throttled
  std::array<Named, kErrorClasses> call_errors{};
  // Gauges, as of the last finished cycle:
  bool from_cache = false;  ///< what serves is what an earlier run saved: AWS has not answered yet
  uint64_t tasks_listed = 0;
  uint64_t tasks_disconnected = 0;  ///< backends whose statuses are old: see DiscoveryLog
  std::array<Named, kExclusionReasons> excluded{};
  std::optional<sys::SteadyTime> last_complete;  ///< end of the last cycle answered in full
  sys::Duration last_cycle_time{};
  sys::Duration poll_interval{};  ///< before jitter; stretched while throttled
  bool throttled = false;         ///< the last poll was, or the interval has not come back since
  bool polling = false;
  std::optional<sys::SteadyTime> next_poll;  ///< absent before the first, and while polling
  sys::DurationHistogram<CycleTimes> cycle_times;
};

}  // namespace kite::discovery
