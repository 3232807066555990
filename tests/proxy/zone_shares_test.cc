#include "proxy/zone_shares.h"

#include <doctest/doctest.h>

#include <numeric>

#include "sys/random.h"

namespace kite::proxy {

namespace {

using Weights = std::vector<uint32_t>;
constexpr uint32_t kWeight = 1024;  // of a backend

std::vector<ZoneCapacity> zones(const Weights& backends) {
  std::vector<ZoneCapacity> capacities;
  for (const uint32_t count : backends) capacities.push_back({count, count * kWeight});
  return capacities;
}

/// In percent, rounded.
Weights percents(const Weights& backends, size_t own) {
  Weights shares = zone_shares(zones(backends), own);
  for (uint32_t& share : shares) share = (share * 100 + kAllShares / 2) / kAllShares;
  return shares;
}

}  // namespace

TEST_CASE("zone shares: with its even part of the backends the own zone gets everything") {
  CHECK(percents({3, 3}, 0) == Weights{100, 0});
  CHECK(percents({2, 2, 2}, 1) == Weights{0, 100, 0});
  CHECK(percents({9, 1, 1}, 0) == Weights{100, 0, 0});
}

TEST_CASE("zone shares: with less it keeps what it has over its even part, the rest spills over") {
  // A fifth of the backends where a quarter were even, then two zones of three.
  CHECK(percents({2, 2, 3, 3}, 0) == Weights{80, 0, 10, 10});
  CHECK(percents({1, 4, 7}, 0) == Weights{25, 0, 75});
  CHECK(percents({1, 5, 6}, 0) == Weights{25, 25, 50});
}

TEST_CASE("zone shares: zones do not count where they would do harm or nothing") {
  CHECK(percents({}, 0).empty());
  CHECK(percents({8}, 0).empty());     // one zone
  CHECK(percents({0, 8}, 0).empty());  // nothing healthy in the own
  CHECK(percents({4, 4}, 2).empty());  // the own zone has no backend
  CHECK(percents({2, 3}, 0).empty());  // fewer than six
  CHECK_FALSE(percents({2, 4}, 0).empty());
}

TEST_CASE("zone shares: slow starters count as much as they take") {
  std::vector<ZoneCapacity> capacities = zones({3, 3});
  capacities[0].weight = kWeight;  // one grown and two that hardly are
  const Weights shares = zone_shares(capacities, 0);
  CHECK(shares[0] == kAllShares / 2);
}

TEST_CASE("zone shares: if all callers follow it, every backend carries the same (seeds)") {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    sys::SeededRandom random(seed);
    Weights backends(2 + random.below(5));
    for (uint32_t& count : backends) count = 1 + random.below(20);
    const uint32_t all = std::accumulate(backends.begin(), backends.end(), 0U);
    if (all < kZoneAwareBackendsMin) continue;
    std::vector<double> load(backends.size());
    for (size_t own = 0; own < backends.size(); ++own) {
      const Weights shares = zone_shares(zones(backends), own);
      REQUIRE(shares.size() == backends.size());
      CHECK(std::accumulate(shares.begin(), shares.end(), 0U) == kAllShares);
      for (size_t i = 0; i < load.size(); ++i) load[i] += shares[i];
    }
    for (size_t i = 0; i < load.size(); ++i) {
      const double each = load[i] / backends[i];
      const double even = static_cast<double>(kAllShares * backends.size()) / all;
      CHECK(each == doctest::Approx(even).epsilon(0.001));
    }
  }
}

}  // namespace kite::proxy
