#pragma once

#include <chrono>
#include <cstdint>

#include "sys/random.h"

namespace kite::aws {

/// The SDKs' standard retry mode.
/// Source:    AWS SDKs and Tools guide, "Retry behavior"; figures as in botocore's standard mode.
inline constexpr uint32_t kAttemptsMax = 3;  ///< the first one included
/// The same where an attempt was refused because the budget is used up: whoever paces the calls
/// hears of it, and the bucket is not driven harder by those it has just refused. DESIGN 35
inline constexpr uint32_t kThrottledAttemptsMax = 2;

/// Uniform between 0.5 and 1.5 s: by then the bucket has tokens again, unless it is overdrawn.
std::chrono::milliseconds throttled_retry_delay(sys::Random& random);

/// Uniform between zero and min(2^retry_index s, 20 s). The first retry has index 0.
std::chrono::milliseconds retry_delay(uint32_t retry_index, sys::Random& random);

/// What retries cost while a service is down: when the allowance is used up, calls fail after their
/// first attempt until successes have paid it back. One per service.
class RetryQuota {
 public:
  static constexpr uint32_t kCapacity = 500;
  static constexpr uint32_t kRetryCost = 5;
  static constexpr uint32_t kTimeoutRetryCost = 10;
  static constexpr uint32_t kNoRetryRefund = 1;

  /// False, and nothing taken, when less than `cost` is left.
  [[nodiscard]] bool take(uint32_t cost);
  void give_back(uint32_t amount);
  uint32_t available() const { return available_; }

 private:
  uint32_t available_ = kCapacity;
};

}  // namespace kite::aws
