#include "sys/duration_histogram.h"

#include <doctest/doctest.h>

#include <vector>

namespace kite::sys {

namespace {

using std::chrono::milliseconds;

struct Scale {
  static constexpr std::array<Duration, 2> kEdges = {milliseconds(1), milliseconds(10)};
};

}  // namespace

TEST_CASE("duration histogram: an edge belongs to its bucket, what is longer to the last") {
  DurationHistogram<Scale> histogram;
  for (const auto us : {0, 999, 1000, 1001, 10000, 10001, 5000000}) {
    histogram.add(std::chrono::microseconds(us));
  }
  const DurationCounts counts = histogram.read();
  CHECK(std::vector<uint64_t>(counts.counts.begin(), counts.counts.end()) ==
        std::vector<uint64_t>{3, 2, 2});
  CHECK(counts.edges.size() == 2);
  CHECK(counts.sum == std::chrono::microseconds(5'023'001));
}

}  // namespace kite::sys
