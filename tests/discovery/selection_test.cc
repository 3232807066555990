#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/discovery/cycle_harness.h"
#include "tests/discovery/loop_fixture.h"

namespace kite::discovery {

using std::chrono::seconds;
using testing::binding;
using testing::FakeCluster;

namespace {

Target tagged(std::vector<Target::Tag> tags) {
  Target target = CycleHarness::default_target();
  target.tags = std::move(tags);
  return target;
}

Target primary_of(const std::string& service) {
  Target target = CycleHarness::default_target();
  target.family.clear();
  target.service = service;
  target.primary_deployment_only = true;
  return target;
}

/// Tasks of one service on one instance, each of a revision of its own choice.
class Rollout : public CycleHarness {
 public:
  explicit Rollout(const Freshness& freshness = kNothingFresh)
      : CycleHarness(primary_of("api"), freshness) {}

  aws::Task& add(const std::string& id, uint32_t revision) {
    const auto host_port = static_cast<uint16_t>(1000 + cluster.tasks.size());
    aws::Task& task = cluster.add_bridge_task(id, host, {binding(80, host_port)});
    task.definition_arn = FakeCluster::definition_arn("api", revision);
    return task;
  }
  void make_primary(uint32_t revision) {
    cluster.primary_definition = FakeCluster::definition_arn("api", revision);
  }

  std::string host = cluster.add_instance("i-1", "10.0.0.1");
};

}  // namespace

TEST_CASE("tags: a task must have every tag that is wanted, and says which it lacks") {
  CycleHarness harness(tagged({{"tier", "gold"}, {"slice", ""}}));
  const std::string host = harness.cluster.add_instance("i-1", "10.0.0.1");
  const auto add = [&](const std::string& id, std::optional<std::vector<aws::Tag>> tags) {
    const auto host_port = static_cast<uint16_t>(1000 + harness.cluster.tasks.size());
    harness.cluster.add_bridge_task(id, host, {binding(80, host_port)}).tags = std::move(tags);
  };
  add("t1", {{{"slice", ""}, {"tier", "gold"}, {"other", "x"}}});
  add("t2", {{{"tier", "gold"}}});
  add("t3", {{{"tier", "silver"}, {"slice", ""}}});
  add("t4", {{{"Tier", "gold"}, {"slice", ""}}});
  add("t5", std::nullopt);
  const CycleResult& result = harness.run();
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:1000");
  CHECK(exclusions_text(result.exclusions) ==
        "t2 other_tags, t3 other_tags, t4 other_tags, t5 other_tags");
  CHECK(result.exclusions[0].detail == "lacks the tag slice=");
  CHECK(result.exclusions[1].detail == "lacks the tag tier=gold");
  CHECK(result.exclusions[3].detail == "lacks the tag tier, as ECS did not tell its tags");
}

TEST_CASE("tags: they are asked for only when one is wanted") {
  CycleHarness plain;
  fill(plain.cluster, 1, 1);
  plain.run();
  CHECK(plain.api.at(1).tags == aws::EcsApi::TaskTags::leave_out);
  CycleHarness choosy(tagged({{"tier", "gold"}}));
  fill(choosy.cluster, 1, 1);
  choosy.run();
  CHECK(choosy.api.at(1).tags == aws::EcsApi::TaskTags::include);
}

TEST_CASE("tags: a description that does not tell them takes nothing away, one without them does") {
  CycleHarness harness(tagged({{"tier", "gold"}}));
  fill(harness.cluster, 1, 1);
  aws::Task& task = harness.cluster.tasks.begin()->second;
  task.tags = {{{"tier", "gold"}}};
  CHECK(harness.run().snapshot->backend_count() == 1);
  task.tags.reset();
  CHECK(harness.run().snapshot->backend_count() == 1);
  CHECK_FALSE(harness.results.back().complete);
  task.tags.emplace();
  CHECK(harness.run().snapshot->backend_count() == 0);
}

TEST_CASE("tags: a task without them costs no look-ups, and no description before its time") {
  CycleHarness harness(tagged({{"tier", "gold"}}), Freshness{});
  harness.occasion.kind = PollKind::listing;
  fill(harness.cluster, 3, 1);
  for (auto& [arn, task] : harness.cluster.tasks) task.tags.emplace();
  harness.run();
  CHECK(harness.api.count() == 2);
  harness.clock.advance(seconds(5));
  harness.turn();
  harness.run();
  CHECK(harness.api.count() == 1);
}

TEST_CASE("deployment: the PRIMARY one's tasks serve once there are any, else what served before") {
  Rollout rollout;
  rollout.add("t1", 6);
  rollout.add("t2", 6);
  rollout.make_primary(7);
  CHECK(rollout.run().snapshot->backend_count() == 2);
  aws::Task& fresh = rollout.add("t3", 7);
  fresh.last_status = "PENDING";
  CHECK(rollout.run().snapshot->backend_count() == 2);
  fresh.last_status = "RUNNING";
  fresh.containers[0].health_status = "UNHEALTHY";
  CHECK(endpoints_text(*rollout.run().snapshot, 80) == "10.0.0.1:1000 10.0.0.1:1001");
  fresh.containers[0].health_status = "HEALTHY";
  const CycleResult& result = rollout.run();
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:1002");
  CHECK(exclusions_text(result.exclusions) == "t1 other_deployment, t2 other_deployment");
  CHECK(result.exclusions[0].detail == "runs api:6, the service's PRIMARY deployment is api:7");
  rollout.make_primary(6);  // rolled back
  CHECK(endpoints_text(*rollout.run().snapshot, 80) == "10.0.0.1:1000 10.0.0.1:1001");
}

TEST_CASE("deployment: without the flag all serve, and the service is not asked about") {
  CycleHarness harness;
  const std::string host = harness.cluster.add_instance("i-1", "10.0.0.1");
  harness.cluster.add_bridge_task("t1", host, {binding(80, 1001)});
  harness.cluster.add_bridge_task("t2", host, {binding(80, 1002)}).definition_arn =
      FakeCluster::definition_arn("web", 2);
  harness.cluster.primary_definition = FakeCluster::definition_arn("web", 2);
  CHECK(harness.run().snapshot->backend_count() == 2);
  CHECK(harness.api.count("ecs:DescribeServices") == 0);
}

TEST_CASE("deployment: the service is asked about while its tasks differ, every 30 s at most") {
  Rollout rollout(Freshness{});
  rollout.occasion.kind = PollKind::listing;
  rollout.make_primary(6);
  rollout.add("t1", 6);
  const auto calls = [&] {
    rollout.clock.advance(seconds(10));
    rollout.turn();
    rollout.run();
    return rollout.api.count("ecs:DescribeServices");
  };
  CHECK(calls() == 0);
  rollout.add("t2", 7);
  rollout.make_primary(7);
  CHECK(calls() == 1);
  CHECK(endpoints_text(*rollout.results.back().snapshot, 80) == "10.0.0.1:1001");
  CHECK(calls() == 0);
  CHECK(calls() == 0);
  CHECK(calls() == 1);
  rollout.cluster.tasks.erase(FakeCluster::task_arn("t1"));
  for (int i = 0; i < 4; ++i) CHECK(calls() == 0);
}

TEST_CASE("deployment: a failed or empty answer leaves what was known; unknown means all serve") {
  Rollout rollout;
  rollout.add("t1", 6);
  rollout.add("t2", 7);
  CHECK(rollout.run("ecs:DescribeServices").snapshot->backend_count() == 2);
  CHECK_FALSE(rollout.results.back().complete);
  CHECK(rollout.run().snapshot->backend_count() == 2);  // names no PRIMARY deployment
  CHECK_FALSE(rollout.results.back().complete);
  rollout.make_primary(7);
  CHECK(rollout.run().snapshot->backend_count() == 1);
  CHECK(rollout.run("ecs:DescribeServices").snapshot->backend_count() == 1);
}

TEST_CASE("connectivity: a task whose agent ECS has lost serves on, and is told once") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.cluster.tasks.begin()->second.connectivity = "DISCONNECTED";
  fixture.loop.start();
  for (int i = 0; i < 3; ++i) fixture.poll();
  CHECK(fixture.published.back()->backend_count() == 2);
  CHECK(fixture.loop.stats().tasks_disconnected == 1);
  CHECK(fixture.lines.count("level=warn event=agents_disconnected") == 1);
  fixture.cluster.tasks.begin()->second.connectivity = "CONNECTED";
  for (int i = 0; i < 7; ++i) fixture.poll();
  CHECK(fixture.loop.stats().tasks_disconnected == 0);
  CHECK(fixture.lines.count("event=agents_connected") == 1);
  CHECK(fixture.lines.count("event=agents_disconnected") == 1);
}

TEST_CASE("zone: every network mode carries the task's, bridge and host else the instance's") {
  CycleHarness harness;
  const std::string host = harness.cluster.add_instance("i-1", "10.0.0.1");
  harness.cluster.instances["i-1"].availability_zone = "eu-west-1c";
  const std::string host_mode = FakeCluster::definition_arn("web", 2);
  const std::string awsvpc = FakeCluster::definition_arn("web", 3);
  harness.cluster.add_definition(host_mode, "host", {80});
  harness.cluster.add_definition(awsvpc, "awsvpc", {80});
  harness.cluster.add_bridge_task("t1", host, {binding(80, 1001)}).availability_zone = "zone-1";
  harness.cluster.add_bridge_task("t2", host, {binding(80, 1002)}).availability_zone.clear();
  harness.cluster.add_host_task("t3", host, host_mode).availability_zone.clear();
  harness.cluster.add_fargate_task("t4", "10.0.0.4", awsvpc).availability_zone = "zone-4";
  std::string zones;
  for (const snapshot::BackendTask& task : harness.run().snapshot->tasks()) {
    zones += std::string(task.id) + " " + std::string(task.zone) + ", ";
  }
  CHECK(zones == "t1 zone-1, t2 eu-west-1c, t3 eu-west-1c, t4 zone-4, ");
}

}  // namespace kite::discovery
