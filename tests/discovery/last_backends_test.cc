// When the last backends go: evidence enough that nothing serves. DESIGN 12

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>

#include "tests/discovery/loop_fixture.h"

namespace kite::discovery {

using std::chrono::seconds;

namespace {

/// Two tasks serve.
struct ServingLoop : LoopFixture {
  ServingLoop() {
    fill(cluster, 2, 2);
    loop.start();
    poll();
  }
};

/// Other tasks on the same instances: a deployment that is over between two polls.
void replace_all(testing::FakeCluster& cluster) {
  const auto before = std::exchange(cluster.tasks, {});
  for (const auto& [arn, task] : before) {
    cluster.add_bridge_task("new-" + std::to_string(cluster.tasks.size()),
                            std::string(task.container_instance_arn),
                            {testing::binding(80, 40000)});
  }
}

/// All were replaced, and nobody describes those that came.
struct DoubtingLoop : ServingLoop {
  DoubtingLoop() {
    replace_all(cluster);
    fail("ecs:DescribeTasks", aws::ErrorClass::transient, "Timeout");
    poll();
    doubted = clock.steady_now();
  }
  bool within_five_minutes() const {
    return clock.steady_now() < doubted + std::chrono::minutes(5);
  }

  sys::SteadyTime doubted{};
};

size_t backends(const LoopFixture& fixture) {
  return fixture.cell.current()->backend_count();
}

}  // namespace

TEST_CASE("loop: the last backends stay while AWS does not describe those that replaced them") {
  ServingLoop fixture;
  const snapshot::SnapshotPtr before = fixture.cell.current();
  replace_all(fixture.cluster);
  fixture.fail("ecs:DescribeTasks", aws::ErrorClass::transient, "Timeout");
  for (int i = 0; i < 2; ++i) fixture.poll();
  CHECK(fixture.cell.current() == before);
  CHECK(fixture.lines.count("level=warn event=last_backends_kept") == 1);
  const auto tasks = std::exchange(fixture.cluster.tasks, {});
  fixture.fail("", aws::ErrorClass::transient, "");
  fixture.poll();
  CHECK(fixture.cell.current() == before);  // an empty list is believed the second time
  fixture.cluster.tasks = tasks;
  fixture.poll();
  CHECK(backends(fixture) == 2);
  CHECK(fixture.cell.current() != before);
}

TEST_CASE("loop: the last backends go after five minutes without a whole answer") {
  DoubtingLoop fixture;
  while (fixture.within_five_minutes()) {
    CHECK(backends(fixture) == 2);
    fixture.poll();
  }
  CHECK(backends(fixture) == 0);
}

TEST_CASE("loop: an empty list is believed the second time, after five minutes of doubt too") {
  DoubtingLoop fixture;
  fixture.fail("ecs:ListTasks", aws::ErrorClass::transient, "Timeout");
  while (fixture.within_five_minutes()) fixture.poll();
  fixture.fail("", aws::ErrorClass::transient, "");
  const auto tasks = std::exchange(fixture.cluster.tasks, {});
  fixture.poll();
  CHECK(backends(fixture) == 2);
  SUBCASE("it was wrong") {
    fixture.cluster.tasks = tasks;
    fixture.poll();
    CHECK(backends(fixture) == 2);
    CHECK(fixture.lines.count("event=backends_changed target=family/web/app backends=0") == 0);
  }
  SUBCASE("it is confirmed") {
    fixture.poll();
    CHECK(backends(fixture) == 0);
  }
}

TEST_CASE("loop: a round that finds all tasks MISSING waits for a listing") {
  ServingLoop fixture;
  replace_all(fixture.cluster);
  const size_t descriptions = fixture.api.count("ecs:DescribeTasks");
  fixture.fail("ecs:ListTasks", aws::ErrorClass::throttled, "ThrottlingException");
  for (int i = 0; i < 50 && fixture.api.count("ecs:DescribeTasks") == descriptions; ++i) {
    fixture.poll();
  }
  REQUIRE(fixture.api.count("ecs:DescribeTasks") > descriptions);
  CHECK(fixture.lines.count("level=warn event=last_backends_kept") == 1);
  CHECK(backends(fixture) == 2);
  fixture.fail("", aws::ErrorClass::transient, "");
  for (int i = 0; i < 3; ++i) fixture.poll();
  CHECK(backends(fixture) == 2);
  CHECK(fixture.lines.count("event=backends_changed target=family/web/app backends=0") == 0);
  CHECK(fixture.lines.count("event=backends_changed target=family/web/app backends=2") == 2);
}

TEST_CASE("loop: listed tasks that are all MISSING are believed to be the second time") {
  ServingLoop fixture;
  for (const auto& [arn, task] : fixture.cluster.tasks) fixture.cluster.missing.insert(arn);
  while (fixture.api.count("ecs:DescribeTasks") < 2) fixture.poll();
  CHECK(backends(fixture) == 2);
  for (int i = 0; i < 3 && backends(fixture) > 0; ++i) CHECK(fixture.poll() <= seconds(5));
  CHECK(backends(fixture) == 0);
}

TEST_CASE("loop: tasks that have stopped one and all are believed at once") {
  ServingLoop fixture;
  for (auto& [arn, task] : fixture.cluster.tasks) task.last_status = "STOPPED";
  REQUIRE(fixture.loop.poll_soon());
  fixture.poll();
  CHECK(backends(fixture) == 0);
}

}  // namespace kite::discovery
