#include "aws/api_stats.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {

TEST_CASE("api stats: calls are counted by operation and by how they ended") {
  ApiStats stats;
  using std::chrono::milliseconds;
  stats.count("ecs:ListTasks", std::nullopt, milliseconds(10));
  stats.count("ecs:DescribeTasks", ErrorClass::denied, milliseconds(3));
  stats.count("ecs:ListTasks", ErrorClass::throttled, milliseconds(5));
  REQUIRE(stats.operations().size() == 2);
  const ApiStats::Operation& list = stats.operations()[0];
  CHECK(list.name == "ecs:ListTasks");
  CHECK(list.ok_total == 1);
  CHECK(list.errors_total[static_cast<size_t>(ErrorClass::throttled)] == 1);
  CHECK(list.ended_total() == 2);
  CHECK(list.time == milliseconds(15));
}

TEST_CASE("api stats: more operations than there are places are left out") {
  ApiStats stats;
  for (size_t i = 0; i < ApiStats::kOperationsMax + 3; ++i) {
    stats.count("operation" + std::to_string(i), std::nullopt, {});
  }
  CHECK(stats.operations().size() == ApiStats::kOperationsMax);
}

}  // namespace kite::aws
