#include "sys/random.h"

#include <sys/random.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <ctime>

#include "sys/check.h"

namespace kite::sys {

namespace {

uint64_t splitmix64(uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

SeededRandom::SeededRandom(uint64_t seed) : state_{} {
  for (uint64_t& word : state_) word = splitmix64(seed);
}

uint64_t SeededRandom::next() {
  const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint32_t SeededRandom::below(uint32_t count) {
  KITE_CHECK(count > 0, "a choice needs at least one candidate");
  // Lemire, "Fast Random Integer Generation in an Interval" (2019): unbiased, rarely loops.
  uint64_t product = (next() >> 32) * count;
  auto low = static_cast<uint32_t>(product);
  if (low < count) {
    const uint32_t threshold = (0U - count) % count;
    while (low < threshold) {  // ends: each round succeeds with probability above one half
      product = (next() >> 32) * count;
      low = static_cast<uint32_t>(product);
    }
  }
  return static_cast<uint32_t>(product >> 32);
}

Duration SeededRandom::jitter(Duration most) {
  if (most <= Duration::zero()) return Duration::zero();
  const double fraction = static_cast<double>(next() >> 11) * 0x1.0p-53;
  return Duration(static_cast<int64_t>(fraction * static_cast<double>(most.count())));
}

uint64_t seed_from_kernel() {
  uint64_t seed = 0;
  // GRND_NONBLOCK: early in boot the pool may not be ready, and start-up must not block on it.
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof seed)) {
    return seed;
  }
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_nsec) ^ (static_cast<uint64_t>(now.tv_sec) << 30) ^
         (static_cast<uint64_t>(::getpid()) << 48);
}

}  // namespace kite::sys
