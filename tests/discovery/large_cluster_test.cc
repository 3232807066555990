// Work on thousands of tasks is spread over turns, and what is learned between two of them counts.

#include <doctest/doctest.h>

#include <chrono>
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
      answer_open();
      turn_once();
    }
    REQUIRE(cycle.state() == state);
  }
  /// Runs the cycle to its end. Returns in how many turns it stayed in that state.
  int turns_in(CycleState state, const std::string& refused = "") {
    int turns = 0;
    for (int i = 0; i < kTurnsMax && cycle.running(); ++i) {
      answer_open(refused, aws::ErrorClass::throttled);
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

TEST_CASE("large cluster: a task that is forgotten in the middle of a survey is not surveyed") {
  LargeCluster large;
  large.run();
  large.cluster.tasks.erase(testing::FakeCluster::task_arn("t1000"));
  large.run_until(CycleState::planning);
  large.turn_once();
  REQUIRE(large.cycle.state() == CycleState::planning);
  // Those that the survey may have come to.
  for (const char* id : {"t1499", "t1500", "t1501", "t1502"}) {
    const std::string arn = testing::FakeCluster::task_arn(id);
    large.inventory.forget_task(arn);
    large.cluster.tasks.erase(arn);
  }
  large.finish();
  CHECK(large.backends() == kTasks - 5);
}

TEST_CASE("large cluster: refused in the middle, a cycle chooses from what it knows, in turns") {
  LargeCluster large;
  large.run();
  large.cluster.tasks.erase(testing::FakeCluster::task_arn("t1000"));
  large.api.forget();
  large.cycle.start();
  CHECK(large.turns_in(CycleState::choosing, "ecs:DescribeTasks") >= 3);
  CHECK(large.results.back().throttled);
  CHECK(large.results.back().listing == Listing::complete);
  CHECK(large.backends() == kTasks - 1);
}

TEST_CASE("large cluster: at its deadline a cycle chooses at once, and the next one is whole") {
  LargeCluster large;
  large.run();
  for (const CycleState state : {CycleState::planning, CycleState::choosing}) {
    CAPTURE(static_cast<int>(state));
    large.cluster.tasks.erase(large.cluster.tasks.begin());
    large.run_until(state);
    large.turn_once();
    REQUIRE(large.cycle.state() == state);
    const size_t results = large.results.size();
    large.clock.advance(std::chrono::seconds(21));
    large.turn_once();
    CHECK_FALSE(large.cycle.running());
    REQUIRE(large.results.size() == results + 1);
    // In `choosing` every call was answered.
    CHECK(large.results.back().complete == (state == CycleState::choosing));
    CHECK(large.backends() == large.cluster.tasks.size());
    CHECK_FALSE(large.reactor.timers().next_deadline().has_value());
    large.run();
    CHECK(large.results.back().complete);
    CHECK(large.backends() == large.cluster.tasks.size());
  }
}

}  // namespace kite::discovery
