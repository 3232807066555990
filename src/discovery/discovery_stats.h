#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sys/clock.h"

namespace kite::discovery {

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
};

}  // namespace kite::discovery
