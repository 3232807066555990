#pragma once

#include <algorithm>

#include "sys/clock.h"

namespace kite::fleet {

/// `burst` tokens at most, refilled at `per_second`; a request takes one or is refused.
/// Source:    "Request throttling for the Amazon ECS API": buckets per account and region.
class TokenBucket {
 public:
  struct Size {
    double burst = 100;
    double per_second = 20;
  };

  TokenBucket(Size size, sys::SteadyTime now) : size_(size), tokens_(size.burst), filled_at_(now) {}

  bool take(sys::SteadyTime now) {
    const double seconds = std::chrono::duration<double>(now - filled_at_).count();
    tokens_ = std::min(size_.burst, tokens_ + seconds * size_.per_second);
    filled_at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  Size size_;
  double tokens_;
  sys::SteadyTime filled_at_;
};

}  // namespace kite::fleet
