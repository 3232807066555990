// Work on thousands of tasks is spread over turns, and what is learned between two of them counts.

#include <doctest/doctest.h>

#include <string>

#include "tests/discovery/cycle_harness.h"

namespace kite::discovery {

namespace {

constexpr size_t kTasks = 1200;

struct LargeCluster : CycleHarness {
  LargeCluster() { fill(cluster, kTasks, 12); }

  void turn_once() { reactor.run_turn(sys::Duration::zero()); }
  /// Starts a cycle and answers its calls until it is in that state.
  void run_until(CycleState state) {
    api.forget();
    cycle.start(occasion);
    for (int i = 0; i < kTurnsMax && cycle.state() != state; ++i) {
      for (const size_t index : api.open()) cluster.answer(api, index);
      turn_once();
    }
    REQUIRE(cycle.state() == state);
  }
  /// Runs the cycle to its end. Returns in how many turns it stayed in that state.
  int turns_in(CycleState state) {
    int turns = 0;
    for (int i = 0; i < kTurnsMax && cycle.running(); ++i) {
      for (const size_t index : api.open()) cluster.answer(api, index);
      turn_once();
      if (cycle.state() == state) ++turns;
    }
    REQUIRE_FALSE(cycle.running());
    return turns;
  }
  size_t backends() const { return results.back().snapshot->backend_count(); }
};

}  // namespace

TEST_CASE("large cluster: choosing takes a turn for some hundred tasks, and none without news") {
  LargeCluster large;
  large.cycle.start();
  CHECK(large.turns_in(CycleState::choosing) >= 3);
  CHECK(large.backends() == kTasks);
  large.api.forget();
  large.cycle.start();
  CHECK(large.turns_in(CycleState::choosing) == 0);
  CHECK(large.backends() == kTasks);
}

TEST_CASE("large cluster: surveying what is new takes some turns, and none without news") {
  LargeCluster large;
  large.run();
  large.cluster.tasks.erase(testing::FakeCluster::task_arn("t1000"));  // so it is not listed
  large.api.forget();
  large.cycle.start();
  CHECK(large.turns_in(CycleState::planning) >= 2);
  CHECK(large.backends() == kTasks - 1);
  large.api.forget();
  large.cycle.start();
  CHECK(large.turns_in(CycleState::planning) == 0);
  CHECK(large.backends() == kTasks - 1);
}

TEST_CASE("large cluster: a task that is forgotten or learned in the middle of choosing counts") {
  LargeCluster large;
  large.run_until(CycleState::choosing);
  large.turn_once();
  REQUIRE(large.cycle.state() == CycleState::choosing);
  const std::string gone(large.inventory.tasks().begin()->first.view());
  large.inventory.forget_task(gone);
  large.finish();
  CHECK(large.backends() == kTasks - 1);

  large.run_until(CycleState::choosing);  // it is told again
  large.turn_once();
  REQUIRE(large.cycle.state() == CycleState::choosing);
  aws::Task stopped = *large.inventory.find_task(gone);
  stopped.last_status = "STOPPED";
  large.inventory.learn_task(stopped);
  large.finish();
  CHECK(exclusions_text(large.results.back().exclusions) == "t1000 not_running");
  CHECK(large.backends() == kTasks - 1);
}

TEST_CASE("large cluster: refused in the middle, a cycle chooses from what it knows") {
  LargeCluster large;
  large.run();
  large.cluster.tasks.erase(testing::FakeCluster::task_arn("t1000"));
  const CycleResult& result = large.run("ecs:DescribeTasks", aws::ErrorClass::throttled);
  CHECK(result.throttled);
  CHECK(result.listing == Listing::complete);
  CHECK(large.backends() == kTasks - 1);
}

}  // namespace kite::discovery
