#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "sys/clock.h"
#include "sys/random.h"

namespace kite::discovery {

/// What a finished poll means for the time until the next one.
enum class PollOutcome : uint8_t {
  changed,        ///< the set changed, or something waits to be confirmed
  calm,           ///< answered in full, nothing new
  failed,         ///< not answered in full
  starting,       ///< failed, and there is no set to serve from yet
  throttled,      ///< the account's call budget is empty; a retry brought the answer all the same
  refused,        ///< the same, and something is left unanswered
  crowded_start,  ///< refused before the first set: many kites start at once
};

/// How long to wait between polls. News and hints bring the interval to its low end, calm moves it
/// to the high end, throttling stretches it past that and is forgotten slowly, so that many kites
/// share one budget. Hints may bring a poll forward, and ever less so while they lead to nothing: a
/// backend that stays dead under traffic asks without end. DESIGN 14, 34
/// Errors:    none.
/// Source:    tests/fleet, which plays fleets of these against one bucket.
class PollPacer {
 public:
  static constexpr sys::Duration kFirstJitter = std::chrono::milliseconds(500);
  static constexpr sys::Duration kStretchMax = std::chrono::seconds(60);
  /// After throttling before the first set. A thousand kites that start together need 3,000 calls,
  /// which the bucket takes 150 s for.
  static constexpr sys::Duration kStartSpread = std::chrono::seconds(170);
  static constexpr sys::Duration kStartSpreadMin = std::chrono::seconds(20);
  static constexpr sys::Duration kStartPause = std::chrono::seconds(5);
  static constexpr sys::Duration kEarlyPollGap = std::chrono::seconds(1);

  struct Range {
    sys::Duration low = std::chrono::seconds(5);
    sys::Duration high = std::chrono::seconds(20);
  };

  PollPacer(Range range, sys::Random& random);

  /// Before the very first poll: kites started by one deployment must not call in one instant.
  sys::Duration first_delay();
  /// A poll begins. Hints from now on are for the one after it.
  void note_start();
  /// From the end of a poll to the start of the next. `calls`: what the poll cost; while throttled
  /// it is followed by a longer pause if it cost more than one.
  sys::Duration next_delay(PollOutcome outcome, uint64_t calls = 1);
  /// Another target met a refusal. Returns the time until the next poll, if it is not due later.
  sys::Duration hear_refusal();
  /// The data plane or the operator knows more: the next intervals are short again.
  void note_hint();
  /// The most that a calm poll may be followed by, jitter included.
  sys::Duration longest_calm_delay() const;
  /// A little less than `most`, so that kites which began together do not stay together.
  sys::Duration round_delay(sys::Duration most);
  /// Somebody asked for the poll that began last.
  bool poll_hinted() const { return poll_hinted_; }
  /// The last poll was refused, or the interval has not come back since: no early polls now.
  bool throttled() const { return stretched_ > sys::Duration::zero(); }
  /// The least time from the start of a poll to that of an early one.
  sys::Duration early_gap() const { return early_gap_; }
  /// The interval before jitter.
  sys::Duration interval() const { return throttled() ? stretched_ : interval_; }

 private:
  void settle_early_gap(PollOutcome outcome);
  void move_interval(PollOutcome outcome);
  sys::Duration throttled_delay(uint64_t calls);
  sys::Duration throttled_pause(uint64_t calls) const;
  sys::Duration longest() const { return std::max(kStretchMax, range_.high); }
  void on_answer_by_retry();
  void stretch();
  void come_back();

  const Range range_;
  sys::Random& random_;
  sys::Duration interval_;                   ///< within the range
  sys::Duration stretched_{};                ///< after throttling; zero when not
  uint32_t come_back_;                       ///< what a success gives back of it, in millionths
  sys::Duration start_left_ = kStartSpread;  ///< of a crowded start: what is left to spread over
  uint32_t starting_ = 0;  ///< after a crowded start: answers until the usual rules hold
  uint32_t failures_ = 0;  ///< in a row
  uint32_t refusals_ = 0;  ///< in a row, at the longest interval
  bool answered_ = false;  ///< a poll was answered in full
  sys::Duration early_gap_ = kEarlyPollGap;
  bool hinted_ = false;       ///< since the last poll began
  bool poll_hinted_ = false;  ///< before the last poll began
};

}  // namespace kite::discovery
