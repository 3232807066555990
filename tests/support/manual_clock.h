#pragma once

#include "sys/clock.h"

namespace kite::testing {

/// Time that moves only when told to.
class ManualClock final : public sys::Clock {
 public:
  sys::SteadyTime steady_now() const override { return steady_; }
  sys::WallTime wall_now() const override { return wall_; }

  void advance(sys::Duration step) {
    steady_ += step;
    wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(step);
  }
  void set_wall(sys::WallTime wall) { wall_ = wall; }

 private:
  sys::SteadyTime steady_{std::chrono::hours(1)};
  sys::WallTime wall_{std::chrono::sys_days(std::chrono::year(2026) / 1 / 2)};
};

}  // namespace kite::testing
