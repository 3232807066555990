#include "aws/retry_policy.h"

#include <algorithm>

namespace kite::aws {

std::chrono::milliseconds retry_delay(uint32_t retry_index, sys::Random& random) {
  constexpr std::chrono::seconds kDelayMax{20};
  const std::chrono::seconds doubled{1U << std::min(retry_index, 5U)};
  const sys::Duration delay = random.jitter(std::min(doubled, kDelayMax));
  return std::chrono::duration_cast<std::chrono::milliseconds>(delay);
}

std::chrono::milliseconds throttled_retry_delay(sys::Random& random) {
  const sys::Duration delay =
      std::chrono::milliseconds(500) + random.jitter(std::chrono::seconds(1));
  return std::chrono::duration_cast<std::chrono::milliseconds>(delay);
}

bool RetryQuota::take(uint32_t cost) {
  if (cost > available_) return false;
  available_ -= cost;
  return true;
}

void RetryQuota::give_back(uint32_t amount) {
  available_ = std::min(available_ + amount, kCapacity);
}

}  // namespace kite::aws
