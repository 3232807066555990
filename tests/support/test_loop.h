#pragma once

#include <chrono>

#include "event/reactor.h"
#include "sys/clock.h"
#include "tests/support/loop_harness.h"

namespace kite::testing {

/// A reactor on the real clock, for code that a C library drives with a clock of its own. Nothing
/// sleeps: a test waits for what it expects, and the guard only ends a test that has failed.
class TestLoop {
 public:
  event::Reactor& reactor() { return reactor_; }

  /// Turns until `done()`; false when the guard ran out first.
  template <typename Predicate>
  [[nodiscard]] bool run_until(Predicate done,
                               std::chrono::seconds guard = std::chrono::seconds(20)) {
    const sys::SteadyTime end = clock_.steady_now() + guard;
    while (!done()) {
      if (clock_.steady_now() >= end) return false;
      reactor_.run_turn(std::chrono::milliseconds(50));
    }
    return true;
  }

  /// A few turns: what is there already is delivered, what was retired is destroyed.
  void settle(int turns = 5) {
    for (int turn = 0; turn < turns; ++turn) reactor_.run_turn(std::chrono::milliseconds(1));
  }

 private:
  FdCensus census_;
  sys::SystemClock clock_;
  event::Reactor reactor_{clock_};
};

}  // namespace kite::testing
