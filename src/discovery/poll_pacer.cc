#include "discovery/poll_pacer.h"

#include <algorithm>
#include <utility>

namespace kite::discovery {

PollPacer::PollPacer(Range range, sys::Random& random)
    : range_(range), random_(random), interval_(range.low) {}

sys::Duration PollPacer::first_delay() {
  return random_.jitter(kFirstJitter);
}

void PollPacer::note_hint() {
  interval_ = range_.low;
  hinted_ = true;
}

void PollPacer::note_start() {
  poll_hinted_ = std::exchange(hinted_, false);
}

sys::Duration PollPacer::longest_calm_delay() const {
  return std::max(stretched_, std::min(range_.high, interval_ * 3 / 2) * 11 / 10);
}

sys::Duration PollPacer::next_delay(PollOutcome outcome) {
  settle_early_gap(outcome);
  switch (outcome) {
    case PollOutcome::changed:
    case PollOutcome::starting:
      interval_ = range_.low;
      break;
    case PollOutcome::calm:
      interval_ = std::min(range_.high, interval_ * 3 / 2);
      break;
    case PollOutcome::failed:
      interval_ = std::min(range_.high, interval_ * 2);
      break;
    case PollOutcome::throttled:
      break;
  }
  if (outcome == PollOutcome::throttled) {
    stretch();
  } else {
    come_back();
  }
  if (throttled()) {
    // Full jitter above the low end: below it a kite would call more often than in calm times.
    return range_.low + random_.jitter(stretched_ - range_.low);
  }
  // A tenth either way keeps a fleet that started together from staying together.
  return interval_ * 9 / 10 + random_.jitter(interval_ / 5);
}

void PollPacer::settle_early_gap(PollOutcome outcome) {
  // Calm without a hint: whatever the hints were about is over, and the next one is news.
  const bool over = outcome == PollOutcome::calm && !poll_hinted_;
  if (outcome == PollOutcome::changed || over) {
    early_gap_ = kEarlyPollGap;
  } else if (poll_hinted_) {
    early_gap_ = std::min(std::max(kEarlyPollGap, range_.low), early_gap_ * 2);
  }
}

void PollPacer::stretch() {
  const sys::Duration limit = std::max(kStretchMax, range_.high);
  stretched_ = std::min(limit, interval() * 2);
}

void PollPacer::come_back() {
  if (!throttled()) return;
  stretched_ = stretched_ * 3 / 4;
  if (stretched_ <= interval_) stretched_ = sys::Duration::zero();
}

}  // namespace kite::discovery
