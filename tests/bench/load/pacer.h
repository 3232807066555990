#pragma once

#include <chrono>
#include <optional>

#include "tests/bench/load/poller.h"

namespace kite::load {

/// The moments at which a fixed rate wants something begun, whether or not anybody is ready for it:
/// an open loop, so that a slow answer does not spare the proxy the next question.
class Pacer {
 public:
  /// A rate of 0 wants nothing ever.
  explicit Pacer(double per_second) : per_second_(per_second) {}
  void start(Time now) { start_ = now; }

  Time next() const {
    if (per_second_ <= 0) return Time::max();
    const std::chrono::duration<double> since(static_cast<double>(taken_) / per_second_);
    return start_ + std::chrono::duration_cast<Clock::duration>(since);
  }
  /// The oldest moment that is due and was not taken yet.
  std::optional<Time> take(Time now) {
    const Time due = next();
    if (due > now) return std::nullopt;
    ++taken_;
    return due;
  }
  /// How many are due and not taken.
  uint64_t backlog(Time now) const {
    if (now < next()) return 0;
    const std::chrono::duration<double> late = now - next();
    return static_cast<uint64_t>(late.count() * per_second_) + 1;
  }

 private:
  double per_second_;
  Time start_;
  uint64_t taken_ = 0;
};

}  // namespace kite::load
