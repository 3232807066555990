#pragma once

#include <array>
#include <cstdint>

#include "sys/clock.h"

namespace kite::sys {

/// Chance behind one seam. Choice and jitter are two calls so that a test can script either.
class Random {
 public:
  virtual ~Random() = default;
  /// Uniform in [0, count). `count` is at least 1.
  virtual uint32_t below(uint32_t count) = 0;
  /// Uniform in [0, most). Zero when `most` is zero or negative.
  virtual Duration jitter(Duration most) = 0;
  /// Uniform within a tenth of `middle` either way: who began together does not stay together.
  Duration around(Duration middle) { return middle * 9 / 10 + jitter(middle / 5); }
};

/// xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
/// seeded through splitmix64 as its authors advise. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint32_t below(uint32_t count) override;
  Duration jitter(Duration most) override;
  uint64_t next();

 private:
  std::array<uint64_t, 4> state_;
};

/// A seed from the kernel that differs at every start. Source: getrandom(2).
uint64_t seed_from_kernel();

}  // namespace kite::sys
