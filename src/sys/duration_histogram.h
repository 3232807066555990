#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sys/clock.h"

namespace kite::sys {

/// A histogram of any scale, to be read.
struct DurationCounts {
  std::span<const Duration> edges;   ///< ascending; each is the most that its bucket takes
  std::span<const uint64_t> counts;  ///< one more than edges: the last takes all that were longer
  Duration sum{};
};

/// Counts durations in buckets. A plain value: adding one is a few compares and two additions.
/// `Scale` has `static constexpr std::array<Duration, N> kEdges`, ascending.
template <typename Scale>
class DurationHistogram {
 public:
  void add(Duration duration) {
    size_t bucket = 0;
    while (bucket < Scale::kEdges.size() && duration > Scale::kEdges[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += duration;
  }

  DurationCounts read() const { return {Scale::kEdges, counts_, sum_}; }

 private:
  std::array<uint64_t, Scale::kEdges.size() + 1> counts_{};
  Duration sum_{};
};

}  // namespace kite::sys
