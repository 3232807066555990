#include "cli/wait_pace.h"

#include <algorithm>
#include <utility>

namespace kite::cli {

WaitPace::WaitPace(sys::Duration low, sys::Random& random)
    : low_(low),
      random_(random),
      pacer_({.low = low, .high = low}, random),
      pause_(std::min<sys::Duration>(kFirstPause, low)) {}

sys::Duration WaitPace::next(const discovery::CycleResult& result) {
  using discovery::PollOutcome;
  if (result.throttled || pacer_.throttled()) {
    return pacer_.next_delay(result.throttled ? PollOutcome::refused : PollOutcome::calm,
                             result.calls);
  }
  return random_.around(std::exchange(pause_, std::min(2 * pause_, low_)));
}

}  // namespace kite::cli
