#include "admin/history.h"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/support/admin_view.h"

namespace kite::admin {

TEST_CASE("history: growth is what a counter gained in each step, the oldest first") {
  Growth growth;
  CHECK(growth.steps() == std::array<uint32_t, Growth::kSteps>{});
  growth.add(1000);  // where it stands is no growth
  growth.add(1007);
  growth.add(1007);
  growth.add(1010);
  const auto steps = growth.steps();
  CHECK(steps[Growth::kSteps - 1] == 3);
  CHECK(steps[Growth::kSteps - 2] == 0);
  CHECK(steps[Growth::kSteps - 3] == 7);
  CHECK(growth.last() == 3);
  CHECK(std::accumulate(steps.begin(), steps.end(), 0U) == 10);
}

TEST_CASE("history: a counter that starts anew has not shrunk") {
  Growth growth;
  growth.add(50);
  growth.add(3);
  CHECK(growth.last() == 0);
  growth.add(5);
  CHECK(growth.last() == 2);
}

TEST_CASE("history: the ring keeps the last steps") {
  Growth growth;
  growth.add(0);
  for (uint32_t i = 1; i <= 100; ++i) growth.add(i * i);
  const auto steps = growth.steps();
  CHECK(steps.back() == 100 * 100 - 99 * 99);
  CHECK(steps.front() == 71 * 71 - 70 * 70);
}

TEST_CASE("history: a backend is remembered while it exists, and only so many") {
  View view = testing::busy_view(3);
  History history;
  history.add(view);
  view.targets[0].backends[1].counters.connections_total += 4;
  history.add(view);
  const Growth* growth = history.find(view.targets[0].backends[1]);
  REQUIRE(growth != nullptr);
  CHECK(growth->last() == 4);
  REQUIRE(history.find(view.targets[0]) != nullptr);

  const proxy::BackendView gone = view.targets[0].backends[1];
  view.targets[0].backends.erase(view.targets[0].backends.begin() + 1);
  history.add(view);
  CHECK(history.find(gone) == nullptr);

  const View crowd = testing::busy_view(History::kBackendsMax + 5);
  history.add(crowd);
  CHECK(history.find(crowd.targets[0].backends[History::kBackendsMax - 1]) != nullptr);
  CHECK(history.find(crowd.targets[0].backends[History::kBackendsMax]) == nullptr);
}

}  // namespace kite::admin
