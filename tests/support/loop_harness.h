#pragma once

#include <doctest/doctest.h>

#include <chrono>

#include "event/reactor.h"
#include "sys/clock.h"
#include "tests/support/fd_census.h"
#include "tests/support/manual_clock.h"

namespace kite::testing {

/// Checks at its end that as many descriptors are open as at its start. Declare it first.
class FdCensus {
 public:
  FdCensus() : at_start_(count_open_fds()) {}
  FdCensus(const FdCensus&) = delete;
  FdCensus& operator=(const FdCensus&) = delete;
  ~FdCensus() { CHECK_MESSAGE(count_open_fds() == at_start_, "a descriptor leaked"); }

 private:
  size_t at_start_;
};

/// A reactor on a manual clock, with a descriptor census. The kernel's readiness is waited for in
/// real time with a generous guard; logical time moves only by clock.advance().
struct LoopHarness {
  FdCensus census;
  ManualClock clock;
  event::Reactor reactor{clock};

  /// Turns until `condition` holds; false when 10 s of real time went by first.
  template <typename Condition>
  [[nodiscard]] bool run_until(Condition condition) {
    const auto guard = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > guard) return false;
      reactor.run_turn(std::chrono::milliseconds(1));
    }
    return true;
  }
  /// A few turns: enough for whatever is ready to be seen, and what was retired to be destroyed.
  void settle(int turns = 5) { turn(turns, std::chrono::milliseconds(1)); }
  /// Turns that see only what is ready by now.
  void turn(int turns, sys::Duration wait_max = sys::Duration::zero()) {
    for (int done = 0; done < turns; ++done) reactor.run_turn(wait_max);
  }
};

}  // namespace kite::testing
