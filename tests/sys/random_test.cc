#include "sys/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>
#include <vector>

#include "tests/support/death.h"

namespace kite::sys {

namespace {

/// Chi-square of `draws` picks among `count` candidates against the uniform distribution.
double chi_square(SeededRandom& random, uint32_t count, uint32_t draws) {
  std::vector<uint32_t> hits(count);
  for (uint32_t i = 0; i < draws; ++i) ++hits[random.below(count)];
  const double expected = static_cast<double>(draws) / count;
  double sum = 0;
  for (const uint32_t hit : hits) {
    const double difference = static_cast<double>(hit) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

}  // namespace

TEST_CASE("random: the same seed gives the same answers") {
  SeededRandom a(42);
  SeededRandom b(42);
  for (int i = 0; i < 1000; ++i) {
    CHECK(a.below(7) == b.below(7));
    CHECK(a.jitter(std::chrono::seconds(5)) == b.jitter(std::chrono::seconds(5)));
    CHECK(a.next() == b.next());
  }
}

TEST_CASE("random: the stream is xoshiro256++ seeded by splitmix64") {
  // Computed by a second implementation of the two published algorithms.
  SeededRandom zero(0);
  const std::array<uint64_t, 4> first = {zero.next(), zero.next(), zero.next(), zero.next()};
  CHECK(first == std::array<uint64_t, 4>{0x53175d61490b23df, 0x61da6f3dc380d507, 0x5c0fdf91ec9a7bfc,
                                         0x02eebf8c3bbe5e1a});
}

TEST_CASE("random: near seeds differ at once") {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 1000; ++seed) first.insert(SeededRandom(seed).next());
  CHECK(first.size() == 1000);
}

TEST_CASE("random: picks are uniform, also among counts that are no power of two") {
  // The chance that a fair generator exceeds these is one in a million; the seed is fixed.
  struct Row {
    uint32_t count;
    double limit;
  };
  for (const Row& row : {Row{2, 24}, Row{3, 28}, Row{7, 38}, Row{100, 184}}) {
    CAPTURE(row.count);
    SeededRandom random(2026);
    CHECK(chi_square(random, row.count, 100'000) < row.limit);
  }
}

TEST_CASE("random: picks stay within, up to the largest count") {
  SeededRandom random(1);
  bool upper_half = false;
  for (int i = 0; i < 1000; ++i) {
    CHECK(random.below(1) == 0);
    CHECK(random.below(3) < 3);
    const uint32_t pick = random.below(UINT32_MAX);
    CHECK(pick < UINT32_MAX);
    upper_half = upper_half || pick > UINT32_MAX / 2;
  }
  CHECK(upper_half);
}

TEST_CASE("random: a count that divides 2^32 badly is unbiased") {
  // Without rejection a product of 32 bits hits every third value twice as often, and a remainder
  // every value below 2^30.
  constexpr uint32_t kCount = 3U << 30;
  constexpr uint32_t kDraws = 30'000;
  SeededRandom random(7);
  uint32_t multiples = 0;
  uint32_t low = 0;
  for (uint32_t i = 0; i < kDraws; ++i) {
    const uint32_t pick = random.below(kCount);
    if (pick % 3 == 0) ++multiples;
    if (pick < 1U << 30) ++low;
  }
  for (const uint32_t hits : {multiples, low}) {
    CHECK(hits > kDraws / 3 - 500);
    CHECK(hits < kDraws / 3 + 500);
  }
}

TEST_CASE("random: nothing to choose from is a bug") {
  CHECK(testing::signal_that_ends([] { SeededRandom(1).below(0); }) == SIGABRT);
}

TEST_CASE("random: jitter lies in [0, most) and fills it") {
  SeededRandom random(3);
  const Duration most = std::chrono::milliseconds(500);
  Duration smallest = most;
  Duration largest{};
  Duration sum{};
  for (int i = 0; i < 10'000; ++i) {
    const Duration jitter = random.jitter(most);
    CHECK(jitter >= Duration::zero());
    CHECK(jitter < most);
    smallest = std::min(smallest, jitter);
    largest = std::max(largest, jitter);
    sum += jitter;
  }
  CHECK(smallest < most / 100);
  CHECK(largest > most - most / 100);
  CHECK(sum / 10'000 > most * 48 / 100);
  CHECK(sum / 10'000 < most * 52 / 100);
}

TEST_CASE("random: no room, no jitter") {
  SeededRandom random(3);
  CHECK(random.jitter(Duration::zero()) == Duration::zero());
  CHECK(random.jitter(Duration(-5)) == Duration::zero());
  CHECK(random.jitter(Duration(1)) == Duration::zero());
  CHECK(random.jitter(Duration::max()) >= Duration::zero());
}

TEST_CASE("random: the kernel's seeds differ") {
  std::set<uint64_t> seeds;
  for (int i = 0; i < 100; ++i) seeds.insert(seed_from_kernel());
  CHECK(seeds.size() == 100);
}

}  // namespace kite::sys
