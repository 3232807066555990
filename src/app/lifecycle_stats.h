#pragma once

#include <cstdint>

#include "sys/clock.h"

namespace kite::app {

/// Where the program is in its life. Plain values, written on the reactor thread.
struct LifecycleStats {
  enum class Phase : uint8_t {
    serving,   ///< from the start
    draining,  ///< a signal came: it still serves, but counts as not ready
    ended,
  };
  Phase phase = Phase::serving;
  sys::SteadyTime drain_end;  ///< the latest end, while draining
};

}  // namespace kite::app
