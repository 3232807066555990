#include "discovery/discovery_cycle.h"

#include <doctest/doctest.h>

#include "tests/discovery/cycle_harness.h"

namespace kite::discovery {

using testing::binding;
using testing::FakeCluster;

TEST_CASE("fault of the original: an empty page with a token does not end the listing") {
  CycleHarness harness;
  fill(harness.cluster, 3, 1);
  harness.cluster.empty_first_page = true;
  harness.cluster.page_size = 1;
  const CycleResult& result = harness.run();
  CHECK(result.snapshot->backend_count() == 3);
  CHECK(harness.api.count("ecs:ListTasks") == 4);
}

TEST_CASE("fault of the original: 250 tasks on 120 instances come in chunks, four at a time") {
  CycleHarness harness;
  fill(harness.cluster, 250, 120);
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK(result.tasks_listed == 250);
  CHECK(result.snapshot->find_port(80)->backends.size() == 250);
  CHECK(harness.api.count("ecs:ListTasks") == 3);
  CHECK(harness.api.count("ecs:DescribeTasks") == 3);
  CHECK(harness.api.count("ecs:DescribeContainerInstances") == 2);
  CHECK(harness.api.count("ec2:DescribeInstances") == 1);
  for (const auto& exchange : harness.api.exchanges) CHECK(exchange->ids.size() <= 200);
}

TEST_CASE("fault of the original: one MISSING task does not spoil the poll") {
  CycleHarness harness;
  fill(harness.cluster, 3, 1);
  harness.run();
  harness.cluster.missing.insert(FakeCluster::task_arn("t1001"));
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK_FALSE(result.all_missing);
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:32768 10.0.0.1:32770");
  CHECK(exclusions_text(result.exclusions) == "t1001 missing");
}

TEST_CASE("fault of the original: a failed DescribeTasks chunk takes no task away") {
  CycleHarness harness;
  fill(harness.cluster, 250, 3);
  const snapshot::SnapshotPtr before = harness.run().snapshot;
  const CycleResult& result = harness.run("ecs:DescribeTasks");
  CHECK_FALSE(result.complete);
  CHECK(*result.snapshot == *before);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].count == 3);
}

TEST_CASE("fault of the original: Fargate tasks stand beside EC2 tasks") {
  CycleHarness harness;
  const std::string definition = FakeCluster::definition_arn("web", 2);
  harness.cluster.add_definition(definition, "awsvpc", {80});
  harness.cluster.add_bridge_task("t1", harness.cluster.add_instance("i-1", "10.0.0.1"),
                                  {binding(80, 32771)});
  harness.cluster.add_fargate_task("t2", "10.0.0.2", definition);
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:32771 10.0.0.2:80");
}

TEST_CASE("fault of the original: host and awsvpc tasks get the ports of their definition") {
  CycleHarness harness;
  const std::string host = FakeCluster::definition_arn("web", 1);
  const std::string awsvpc = FakeCluster::definition_arn("web", 2);
  harness.cluster.add_definition(host, "host", {80, 9090});
  harness.cluster.add_definition(awsvpc, "awsvpc", {80});
  harness.cluster.add_host_task("t1", harness.cluster.add_instance("i-1", "10.0.0.1"), host);
  harness.cluster.add_fargate_task("t2", "10.0.0.2", awsvpc);
  const CycleResult& first = harness.run();
  CHECK(harness.api.count("ecs:DescribeTaskDefinition") == 2);
  CHECK(endpoints_text(*first.snapshot, 80) == "10.0.0.1:80 10.0.0.2:80");
  CHECK(endpoints_text(*first.snapshot, 9090) == "10.0.0.1:9090");
  harness.run();
  CHECK(harness.api.count("ecs:DescribeTaskDefinition") == 0);  // a revision never changes
}

TEST_CASE("fault of the original: family:revision lists by family and keeps exact matches") {
  Target target = CycleHarness::default_target();
  target.revision = 7;
  CycleHarness harness(target);
  const std::string host = harness.cluster.add_instance("i-1", "10.0.0.1");
  harness.cluster.add_bridge_task("t1", host, {binding(80, 1001)}).definition_arn =
      FakeCluster::definition_arn("web", 7);
  harness.cluster.add_bridge_task("t2", host, {binding(80, 1002)}).definition_arn =
      FakeCluster::definition_arn("web", 77);
  harness.cluster.add_bridge_task("t3", host, {binding(80, 1003)}).definition_arn =
      FakeCluster::definition_arn("my-web", 7);
  const CycleResult& result = harness.run();
  CHECK(harness.api.at(0).list.family == "web");
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:1001");
  CHECK(exclusions_text(result.exclusions) == "t2 other_revision, t3 other_revision");
}

TEST_CASE("fault of the original: an empty list drops the backends when seen twice in a row") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  harness.run();
  harness.cluster.tasks.clear();
  const CycleResult first = harness.run();
  CHECK(first.listing == Listing::unconfirmed_empty);
  CHECK(first.snapshot->backend_count() == 2);
  CHECK(first.calls == 1);
  const CycleResult second = harness.run();
  CHECK(second.listing == Listing::complete);
  CHECK(second.snapshot->backend_count() == 0);
}

TEST_CASE("fault of the original: an instance that EC2 does not know does not fail the poll") {
  CycleHarness harness;
  fill(harness.cluster, 2, 2);
  harness.cluster.instances.erase("i-1001");
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK(result.snapshot->backend_count() == 1);
  CHECK(exclusions_text(result.exclusions) == "t1001 no_address");
}

TEST_CASE("fault of the original: a container PENDING for one poll comes back by itself") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  aws::Container& container = harness.cluster.tasks.begin()->second.containers[0];
  CHECK(harness.run().snapshot->backend_count() == 1);
  container.last_status = "PENDING";
  CHECK(exclusions_text(harness.run().exclusions) == "t1000 container_not_running");
  container.last_status = "RUNNING";
  CHECK(harness.run().snapshot->backend_count() == 1);
}

}  // namespace kite::discovery
