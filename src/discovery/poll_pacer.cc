#include "discovery/poll_pacer.h"

#include <algorithm>
#include <utility>

namespace kite::discovery {

namespace {

// The part of a stretched interval that a success gives back, in millionths: a sixth of itself
// after each throttling, a fortieth more after each success. So a fleet that fills its bucket is
// throttled about once in 70 calls (in clusters, so 40 when played), however many kites it has, and
// a single mishap is forgotten after some 25 answers.
constexpr uint32_t kComeBackMax = 250'000;
constexpr uint32_t kComeBackMin = 1'000;
constexpr uint32_t kComeBackGrowth = 40;
constexpr uint32_t kComeBackLoss = 6;

// Refusals in a row at the longest interval that are followed by a third of it, or a kite that
// meets a few of them has news much later than the rest of its fleet.
constexpr uint32_t kSoonMax = 5;

constexpr uint32_t kOutage = 3;  // failures in a row that make one

}  // namespace

PollPacer::PollPacer(Range range, sys::Random& random)
    : range_(range), random_(random), interval_(range.low), come_back_(kComeBackMax) {}

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
  return std::max(stretched_, std::min(range_.high, interval_ * 4)) * 23 / 20;
}

sys::Duration PollPacer::round_delay(sys::Duration most) {
  return most * 92 / 100 + random_.jitter(most / 20);
}

sys::Duration PollPacer::next_delay(PollOutcome outcome, uint64_t calls) {
  settle_early_gap(outcome);
  const bool at_longest = interval() * 2 > longest();
  if (outcome != PollOutcome::refused || !at_longest) {
    refusals_ = 0;
  } else {
    // After an outage all of the fleet has much to ask: then nobody comes back sooner.
    refusals_ = failures_ < kOutage ? refusals_ + 1 : kSoonMax + 1;
  }
  move_interval(outcome);
  if (outcome == PollOutcome::crowded_start) {
    const sys::Duration pause = kStartPause + random_.jitter(start_left_);
    start_left_ = std::max(start_left_ - pause, kStartSpreadMin);
    return pause;
  }
  if (throttled()) return throttled_delay(calls);
  // All kites of a target hear of one change and describe what is new. They must not come back as
  // one wave on top of that.
  if (outcome == PollOutcome::changed) {
    const sys::Duration most = std::min(interval_ * 3, std::max(range_.high, interval_ * 11 / 10));
    return interval_ * 9 / 10 + random_.jitter(most - interval_ * 9 / 10);
  }
  return random_.around(interval_);
}

sys::Duration PollPacer::hear_refusal() {
  stretch();
  return throttled_delay(1);
}

sys::Duration PollPacer::throttled_delay(uint64_t calls) {
  const sys::Duration pause = throttled_pause(calls);
  return pause * 9 / 10 + random_.jitter(pause * 3 / 10);
}

sys::Duration PollPacer::throttled_pause(uint64_t calls) const {
  if (starting_ > 0) return stretched_;
  if (refusals_ > 0 && refusals_ <= kSoonMax) return std::max(stretched_ / 3, interval_);
  // Half an interval more for each further call, so that busy times do not overdraw the bucket.
  const auto further = static_cast<int64_t>(std::clamp<uint64_t>(calls, 1, 2) - 1);
  return stretched_ + stretched_ * further / 2;
}

void PollPacer::move_interval(PollOutcome outcome) {
  const uint32_t failures_before = std::exchange(failures_, 0);
  switch (outcome) {
    case PollOutcome::changed:
      answered_ = true;
      // After an outage the news is old, and every kite hears it in the same moment.
      if (failures_before < kOutage) interval_ = range_.low;
      return come_back();
    case PollOutcome::calm:
      answered_ = true;
      interval_ = std::min(range_.high, interval_ * 4);
      return come_back();
    case PollOutcome::failed:
      failures_ = failures_before + 1;
      interval_ = std::min(range_.high, interval_ * 2);
      return;
    case PollOutcome::starting:
      interval_ = range_.low;
      return;
    case PollOutcome::throttled:
      return on_answer_by_retry();
    case PollOutcome::refused:
      return stretch();
    case PollOutcome::crowded_start:
      starting_ = 2;
      stretched_ = kStartSpread;
      return;
  }
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

void PollPacer::on_answer_by_retry() {
  if (starting_ > 0) return come_back();
  // Before the first set it may be a crowd's start, whose others come first, or one bad moment.
  if (!std::exchange(answered_, true)) stretched_ = longest();
  stretch();
}

void PollPacer::stretch() {
  come_back_ = std::max(come_back_ / kComeBackLoss, kComeBackMin);
  stretched_ = std::max(stretched_, std::min(longest(), interval() * 2));
}

void PollPacer::come_back() {
  come_back_ = std::min(come_back_ + come_back_ / kComeBackGrowth, kComeBackMax);
  if (!throttled()) return;
  if (starting_) {
    // The others of a crowded start still wait for their first answers.
    if (--starting_ == 0) stretched_ = kStretchMax;
    return;
  }
  // Those that wait long come back faster than others, so that all end up with a fair share.
  const double share = std::chrono::duration<double>(stretched_) / kStretchMax;
  const double part = std::min(come_back_ * 1e-6 * share, 0.25);
  stretched_ -= std::chrono::duration_cast<sys::Duration>(stretched_ * part);
  if (stretched_ <= interval_) stretched_ = sys::Duration::zero();
}

}  // namespace kite::discovery
