#include <doctest/doctest.h>

#include <vector>

#include "tests/bench/load/measurement.h"
#include "tests/bench/load/pacer.h"
#include "tests/bench/load/pattern.h"

using namespace std::chrono_literals;
using kite::load::kChunkBytes;
using kite::load::Pacer;
using kite::load::pattern;
using kite::load::Pattern;
using kite::load::percentile;
using kite::load::Time;

TEST_CASE("load: a stream matches its own place in the pattern") {
  const uint64_t position = 3 * Pattern::kPeriodBytes + 12345;
  const auto bytes = pattern().from(position, kChunkBytes);
  REQUIRE(bytes.size() == kChunkBytes);
  CHECK(pattern().matches(position, bytes));
  CHECK(pattern().matches(position + 100, bytes.subspan(100)));
}

TEST_CASE("load: a stream that lost, repeated or changed something does not match") {
  const auto bytes = pattern().from(0, kChunkBytes);
  for (const uint64_t lost : {1U, 4096U, 16384U, 65536U, 262144U, 1048576U, 4194304U}) {
    CAPTURE(lost);
    CHECK_FALSE(pattern().matches(lost, bytes.first(64)));
  }
  std::vector<uint8_t> changed(bytes.begin(), bytes.end());
  changed.back() ^= 1;
  CHECK_FALSE(pattern().matches(0, changed));
}

TEST_CASE("load: more than a chunk is never right") {
  const std::vector<uint8_t> bytes(kChunkBytes + 1);
  CHECK_FALSE(pattern().matches(0, bytes));
  CHECK(pattern().from(0, kChunkBytes + 1).size() == kChunkBytes);
}

TEST_CASE("load: a fixed rate is due at its own moments, however late it is asked") {
  const Time start{};
  Pacer pacer(100);
  pacer.start(start);
  CHECK(pacer.take(start) == start);
  CHECK_FALSE(pacer.take(start + 9ms).has_value());
  CHECK(pacer.next() == start + 10ms);
  // 45 ms late: the four that were missed count from when they were due.
  for (const auto due : {10ms, 20ms, 30ms, 40ms}) CHECK(pacer.take(start + 45ms) == start + due);
  CHECK_FALSE(pacer.take(start + 45ms).has_value());
}

TEST_CASE("load: what a fixed rate could not begin is counted") {
  const Time start{};
  Pacer pacer(1000);
  pacer.start(start);
  CHECK(pacer.backlog(start + 10ms) == 11);
  static_cast<void>(pacer.take(start + 10ms));
  CHECK(pacer.backlog(start + 10ms) == 10);
  CHECK(pacer.backlog(start) == 0);
}

TEST_CASE("load: no rate wants nothing") {
  Pacer pacer(0);
  pacer.start(Time{});
  CHECK(pacer.next() == Time::max());
  CHECK_FALSE(pacer.take(Time{} + 1h).has_value());
}

TEST_CASE("load: percentiles of few and many values") {
  CHECK(percentile({}, 0.99) == 0);
  CHECK(percentile({7}, 0.999) == 7);
  std::vector<uint64_t> values;
  for (uint64_t i = 0; i < 1000; ++i) values.push_back(i);
  CHECK(percentile(values, 0.5) == 500);
  CHECK(percentile(values, 0.99) == 990);
  CHECK(percentile(values, 1.0) == 999);
}
