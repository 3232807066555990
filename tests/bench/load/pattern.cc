#include "tests/bench/load/pattern.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace kite::load {

Pattern::Pattern() {
  std::mt19937 bytes(20);  // the same in every process: the other end compares
  for (size_t i = 0; i < kPeriodBytes; ++i) table_[i] = static_cast<uint8_t>(bytes());
  for (size_t i = kPeriodBytes; i < sizeof table_; ++i) table_[i] = table_[i - kPeriodBytes];
}

std::span<const uint8_t> Pattern::from(uint64_t position, uint64_t bytes_max) const {
  return {table_ + position % kPeriodBytes, std::min<uint64_t>(bytes_max, kChunkBytes)};
}

bool Pattern::matches(uint64_t position, std::span<const uint8_t> bytes) const {
  return bytes.size() <= kChunkBytes &&
         std::memcmp(table_ + position % kPeriodBytes, bytes.data(), bytes.size()) == 0;
}

const Pattern& pattern() {
  static const Pattern the_one;
  return the_one;
}

}  // namespace kite::load
