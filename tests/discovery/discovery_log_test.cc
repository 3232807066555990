#include "discovery/discovery_log.h"

#include <doctest/doctest.h>

#include "tests/discovery/loop_fixture.h"

namespace kite::discovery {

TEST_CASE("log: a set is told when it changes, with what came and went") {
  LoopFixture fixture;
  fill(fixture.cluster, 3, 1);
  fixture.loop.start();
  for (int i = 0; i < 3; ++i) fixture.poll();
  CHECK(fixture.lines.count("event=backends_changed") == 1);
  CHECK(fixture.lines.count("level=info event=backends_changed target=family/web/app backends=3 "
                            "tasks=3 ports=80 added=3 removed=0") == 1);
  fixture.cluster.tasks.erase(fixture.cluster.tasks.begin());
  fixture.poll();
  CHECK(fixture.lines.count("backends=2 tasks=2 ports=80 added=0 removed=1") == 1);
}

TEST_CASE("log: a task in another's place counts as one gone and one new") {
  LoopFixture fixture;
  const std::string host = fixture.cluster.add_instance("i-1", "10.0.0.1");
  fixture.cluster.add_bridge_task("t1", host, {testing::binding(80, 1001)});
  fixture.loop.start();
  fixture.poll();
  fixture.cluster.tasks.clear();
  fixture.cluster.add_bridge_task("t2", host, {testing::binding(80, 1001)});
  fixture.poll();
  CHECK(fixture.lines.count("backends=1 tasks=1 ports=80 added=1 removed=1") == 1);
}

TEST_CASE("log: a failure is told once, again when it becomes another, and when it ends") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  fixture.fail("ecs:ListTasks", aws::ErrorClass::transient, "Timeout");
  for (int i = 0; i < 3; ++i) fixture.poll();
  CHECK(fixture.lines.count("level=warn event=discovery_failed") == 1);
  CHECK(fixture.lines.count("operation=ecs:ListTasks") == 1);
  CHECK(fixture.lines.count("code=Timeout") == 1);
  CHECK(fixture.lines.count("backends_kept=2") == 1);
  fixture.fail("ecs:ListTasks", aws::ErrorClass::not_found, "ClusterNotFoundException");
  fixture.poll();
  CHECK(fixture.lines.count("event=discovery_failed") == 2);
  CHECK(fixture.lines.count("event=discovery_recovered") == 0);
  fixture.fail("", aws::ErrorClass::transient, "");
  for (int i = 0; i < 2; ++i) fixture.poll();
  CHECK(fixture.lines.count("level=info event=discovery_recovered target=family/web/app "
                            "operation=ecs:ListTasks") == 1);
  CHECK(fixture.loop.stats().cycles_failed == 4);  // counted every time
}

TEST_CASE("log: kinds of failure of one operation that last side by side are told once each") {
  LoopFixture fixture;
  DiscoveryLog log(fixture.logger, "family/web/app");
  const auto problem = [](const std::string& code) {
    return CycleProblem{{aws::ErrorClass::transient, "ecs:DescribeTasks", code, "", "", 0}, 1};
  };
  CycleResult result;
  result.listing = Listing::complete;
  result.problems = {problem("Timeout"), problem("ServerException")};
  log.on_cycle(result, nullptr, nullptr);
  std::swap(result.problems[0], result.problems[1]);
  for (int i = 0; i < 3; ++i) log.on_cycle(result, nullptr, nullptr);
  CHECK(fixture.lines.count("code=Timeout") == 1);
  CHECK(fixture.lines.count("code=ServerException") == 1);

  CycleResult unlisted;  // the later calls were not made: both kinds are still known
  log.on_cycle(unlisted, nullptr, nullptr);
  log.on_cycle(result, nullptr, nullptr);
  CHECK(fixture.lines.count("event=discovery_failed") == 2);

  result.problems.pop_back();  // one kind is left, so the operation has not recovered
  log.on_cycle(result, nullptr, nullptr);
  CHECK(fixture.lines.count("event=discovery_recovered") == 0);
  result.problems.clear();
  log.on_cycle(result, nullptr, nullptr);
  CHECK(fixture.lines.count("event=discovery_recovered") == 1);
}

TEST_CASE("log: a failed listing does not end the failure of a later call") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.fail("ec2:DescribeInstances", aws::ErrorClass::denied, "UnauthorizedOperation");
  fixture.poll();
  fixture.fail("ecs:ListTasks", aws::ErrorClass::transient, "Timeout");
  fixture.poll();
  CHECK(fixture.lines.count("event=discovery_recovered") == 0);
  fixture.fail("ec2:DescribeInstances", aws::ErrorClass::denied, "UnauthorizedOperation");
  fixture.poll();
  CHECK(fixture.lines.count("UnauthorizedOperation") == 1);
  CHECK(fixture.lines.count("event=discovery_recovered") == 1);
}

TEST_CASE("log: why a task is left out is told at info when it is new, then at debug") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  aws::Task& task = fixture.cluster.tasks.begin()->second;
  task.last_status = "PENDING";
  fixture.loop.start();
  for (int i = 0; i < 3; ++i) fixture.poll();
  CHECK(fixture.lines.count("level=info event=task_left_out target=family/web/app task=t1000 "
                            "reason=not_running") == 1);
  CHECK(fixture.lines.count("level=debug event=task_left_out") == 2);
  task.last_status = "RUNNING";
  task.containers[0].last_status = "PENDING";
  fixture.poll();
  CHECK(fixture.lines.count("level=info event=task_left_out target=family/web/app task=t1000 "
                            "reason=container_not_running") == 1);
}

TEST_CASE("log: many tasks left out are told in a bounded number of lines") {
  LoopFixture fixture;
  fill(fixture.cluster, 100, 1);
  for (auto& [arn, task] : fixture.cluster.tasks) task.last_status = "PENDING";
  fixture.loop.start();
  fixture.poll();
  CHECK(fixture.lines.count("level=info event=task_left_out") == DiscoveryLog::kExclusionLinesMax);
  CHECK(fixture.lines.count("event=more_tasks_left_out target=family/web/app tasks=80") == 1);
}

TEST_CASE("log: an empty list and missing tasks are told once each time they begin") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  const auto tasks = fixture.cluster.tasks;
  for (int i = 0; i < 2; ++i) {
    fixture.cluster.tasks.clear();
    fixture.poll();
    fixture.cluster.tasks = tasks;
    fixture.poll();
  }
  CHECK(fixture.lines.count("level=warn event=task_list_empty") == 2);
  for (const auto& [arn, task] : tasks) fixture.cluster.missing.insert(arn);
  for (int i = 0; i < 6; ++i) fixture.poll();  // known tasks are described again now and then
  CHECK(fixture.lines.count("level=warn event=all_tasks_missing") == 1);
}

TEST_CASE("log: a set of many ports is told in short") {
  LoopFixture fixture;
  fixture.cluster.add_bridge_task("t1", fixture.cluster.add_instance("i-1", "10.0.0.1"),
                                  {{"0.0.0.0", {8000, 8099}, {9000, 9099}, "tcp"}});
  fixture.loop.start();
  fixture.poll();
  CHECK(fixture.lines.count("backends=100 tasks=1 "
                            "ports=8000,8001,8002,8003,8004,8005,8006,8007,8008,8009,... ") == 1);
}

}  // namespace kite::discovery
