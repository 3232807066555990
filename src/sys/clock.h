#pragma once

#include <chrono>
#include <cstdint>

namespace kite::sys {

using Duration = std::chrono::nanoseconds;
/// Monotonic time: deadlines, durations. Never goes back, means nothing outside this process.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// Calendar time in UTC, whole seconds are enough: request signing, credential expiry, log lines.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Whole milliseconds, as log lines give times.
inline int64_t count_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

/// Both kinds of time behind one seam, so that tests decide when it passes.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime steady_now() const = 0;
  virtual WallTime wall_now() const = 0;
};

/// The kernel's clocks. Source: clock_gettime(2), CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  SteadyTime steady_now() const override;
  WallTime wall_now() const override;
};

}  // namespace kite::sys
