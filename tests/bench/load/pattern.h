#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kite::load {

/// The most that one send or receive moves: two of them and the pattern fit a core's second cache.
inline constexpr size_t kChunkBytes = size_t{64} << 10;

/// The bytes that every stream carries: byte i of a stream that begins at `start` is byte start + i
/// of an endless repetition of random bytes. The period is prime, so that losing or repeating a
/// whole page, pipe or buffer of bytes shows; streams of one connection or of two have different
/// starts, so strangers' bytes show. Comparing is a memcmp, which costs the load a few percent.
class Pattern {
 public:
  static constexpr size_t kPeriodBytes = 65521;

  Pattern();
  /// Up to `bytes_max` bytes from `position` on; at least one unless `bytes_max` is 0.
  std::span<const uint8_t> from(uint64_t position, uint64_t bytes_max) const;
  /// Whether `bytes`, at most kChunkBytes, are what the pattern has at `position`.
  bool matches(uint64_t position, std::span<const uint8_t> bytes) const;

 private:
  uint8_t table_[kPeriodBytes + kChunkBytes];
};

/// The one pattern of this process; built at the first call.
const Pattern& pattern();

}  // namespace kite::load
