#pragma once

#include "discovery/cycle_result.h"
#include "discovery/poll_pacer.h"
#include "sys/clock.h"
#include "sys/random.h"

namespace kite::cli {

/// How long `wait` rests between two looks at AWS. The first rests are short, because whoever waits
/// does so at a start; a deployment starts many at once, so all are jittered, and once AWS refuses
/// a call for throttling they are those of a kite that serves.
/// Errors:    none.
class WaitPace {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{500};

  /// `low`: what the rests grow to.
  WaitPace(sys::Duration low, sys::Random& random);

  /// Before the first look.
  sys::Duration first() { return pacer_.first_delay(); }
  /// After a look that found nothing to use.
  sys::Duration next(const discovery::CycleResult& result);

 private:
  const sys::Duration low_;
  sys::Random& random_;
  discovery::PollPacer pacer_;  // for times of throttling
  sys::Duration pause_;
};

}  // namespace kite::cli
