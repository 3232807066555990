#include "discovery/discovery_cycle.h"

#include <doctest/doctest.h>

#include "tests/discovery/cycle_harness.h"

namespace kite::discovery {

using testing::FakeCluster;

TEST_CASE("cycle: all tasks MISSING drops them and says that it is odd") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  harness.run();
  for (const auto& [arn, task] : harness.cluster.tasks) harness.cluster.missing.insert(arn);
  const CycleResult& result = harness.run();
  CHECK(result.all_missing);
  CHECK(result.snapshot->backend_count() == 0);
}

TEST_CASE("cycle: an unknown failure reason is no evidence that the task is gone") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  harness.run();
  harness.cycle.start();
  harness.turn();
  harness.cluster.answer(harness.api, harness.api.open().at(0));
  harness.settle();
  aws::Described<aws::Task> odd;
  odd.items.push_back(harness.cluster.tasks.begin()->second);
  odd.failures.push_back({FakeCluster::task_arn("t1001"), "ACCESS_ODDITY"});
  harness.api.answer(harness.api.open().at(0), odd);
  const CycleResult& result = harness.finish();
  CHECK_FALSE(result.complete);
  CHECK(result.snapshot->backend_count() == 2);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].error.code == "ACCESS_ODDITY");
}

TEST_CASE("cycle: one failed chunk of three does not hide what the others say") {
  CycleHarness harness;
  fill(harness.cluster, 250, 3);
  harness.run();
  for (auto& [arn, task] : harness.cluster.tasks) task.desired_status = "STOPPED";
  harness.cycle.start();
  harness.turn();
  for (size_t seen = 0; harness.api.count("ecs:DescribeTasks") < 6; ++seen) {
    REQUIRE(seen < 10);
    for (const size_t index : harness.api.open()) harness.cluster.answer(harness.api, index);
    harness.turn();
  }
  harness.api.fail(harness.api.open().at(1), aws::ErrorClass::transient);
  const CycleResult& result = harness.finish();
  CHECK(result.snapshot->backend_count() == 100);
  CHECK_FALSE(result.complete);
}

TEST_CASE("cycle: a first description that fails is told from a task that does not serve") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  const CycleResult& result = harness.run("ecs:DescribeTasks");
  CHECK(exclusions_text(result.exclusions) == "t1000 not_described");
  CHECK_FALSE(result.complete);
}

TEST_CASE("cycle: an answer that leaves tasks or their state out takes nothing away") {
  CycleHarness harness;
  fill(harness.cluster, 3, 1);
  const snapshot::SnapshotPtr before = harness.run().snapshot;
  harness.cycle.start();
  harness.turn();
  harness.cluster.answer(harness.api, harness.api.open().at(0));
  harness.settle();
  aws::Described<aws::Task> thin;
  thin.items = {harness.cluster.tasks[FakeCluster::task_arn("t1000")],
                harness.cluster.tasks[FakeCluster::task_arn("t1001")]};
  thin.items[0].last_status.clear();
  thin.items[1].containers.clear();
  harness.api.answer(harness.api.open().at(0), thin);
  const CycleResult& result = harness.finish();
  CHECK(*result.snapshot == *before);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].error.code == "incomplete_answer");
}

TEST_CASE("cycle: a description without its definition or its address takes nothing away") {
  using Spoil = void (*)(aws::Task&);
  const Spoil spoils[] = {
      [](aws::Task& task) { task.definition_arn.clear(); },
      [](aws::Task& task) {
        task.eni = aws::TaskEni{task.eni->eni_id, "", ""};
      },
      [](aws::Task& task) { task.eni->private_ipv4 = "not an address"; },
      [](aws::Task& task) {
        task.eni.reset();
        task.container_instance_arn = "arn:aws:ecs:eu-west-1:111122223333:container-instance/x/y";
      },
  };
  for (const Spoil spoil : spoils) {
    CycleHarness harness;
    const std::string definition = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7";
    harness.cluster.add_definition(definition, "awsvpc", {80});
    harness.cluster.add_fargate_task("t1000", "10.0.9.1", definition);
    const snapshot::SnapshotPtr before = harness.run().snapshot;
    REQUIRE(before->backend_count() == 1);
    spoil(harness.cluster.tasks[FakeCluster::task_arn("t1000")]);
    const CycleResult& result = harness.run();
    CHECK(*result.snapshot == *before);
    CHECK_FALSE(result.complete);
  }
}

TEST_CASE("cycle: a task that nobody asked for is not taken in") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  harness.cycle.start();
  harness.turn();
  harness.cluster.answer(harness.api, harness.api.open().at(0));
  harness.settle();
  aws::Described<aws::Task> foreign;
  foreign.items = {harness.cluster.tasks.begin()->second, harness.cluster.tasks.begin()->second};
  foreign.items[1].arn = FakeCluster::task_arn("stranger");
  harness.api.answer(harness.api.open().at(0), foreign);
  CHECK(harness.finish().snapshot->tasks().size() == 1);
}

TEST_CASE("cycle: a definition that is refused costs only the tasks that need it") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  harness.cluster.add_fargate_task("t2", "10.0.0.2", FakeCluster::definition_arn("web", 2));
  const CycleResult& result = harness.run("ecs:DescribeTaskDefinition", aws::ErrorClass::denied);
  CHECK(exclusions_text(result.exclusions) == "t2 missing_definition");
  CHECK(result.snapshot->backend_count() == 1);
  CHECK_FALSE(result.complete);
}

TEST_CASE("cycle: a definition that is not the one asked for is not kept") {
  CycleHarness harness;
  const std::string definition = FakeCluster::definition_arn("web", 2);
  harness.cluster.add_definition(definition, "awsvpc", {80}).arn =
      FakeCluster::definition_arn("web", 3);
  harness.cluster.add_fargate_task("t2", "10.0.0.2", definition);
  CHECK(exclusions_text(harness.run().exclusions) == "t2 missing_definition");
  harness.cluster.definitions[definition].arn = definition;
  harness.cluster.definitions[definition].ports_by_container.clear();
  CHECK(exclusions_text(harness.run().exclusions) == "t2 missing_definition");
  harness.cluster.add_definition(definition, "awsvpc", {80});
  CHECK(harness.run().snapshot->backend_count() == 1);
}

TEST_CASE("cycle: two empty lists with a failed poll between them are not in a row") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  harness.run();
  harness.cluster.tasks.clear();
  harness.run();
  CHECK(harness.run("ecs:ListTasks").listing == Listing::failed);
  CHECK(harness.run().listing == Listing::unconfirmed_empty);
  CHECK(harness.run().snapshot->backend_count() == 0);
}

TEST_CASE("cycle: tasks between two empty lists start the count anew") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  harness.run();
  const auto tasks = harness.cluster.tasks;
  harness.cluster.tasks.clear();
  CHECK(harness.run().listing == Listing::unconfirmed_empty);
  harness.cluster.tasks = tasks;
  CHECK(harness.run().listing == Listing::complete);
  harness.cluster.tasks.clear();
  CHECK(harness.run().listing == Listing::unconfirmed_empty);
}

TEST_CASE("cycle: an empty list at first sight is an answer: nothing serves") {
  CycleHarness harness;
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK(result.listing == Listing::complete);
  CHECK(result.snapshot->backend_count() == 0);
}

TEST_CASE("cycle: a failed page of the listing keeps everything") {
  CycleHarness harness;
  fill(harness.cluster, 3, 1);
  harness.run();
  harness.cluster.page_size = 1;
  harness.cycle.start();
  harness.turn();
  harness.cluster.answer(harness.api, harness.api.open().at(0));
  harness.settle();
  harness.api.fail(harness.api.open().at(0), aws::ErrorClass::throttled);
  const CycleResult result = harness.finish();
  CHECK(result.listing == Listing::failed);
  CHECK(result.snapshot == nullptr);
  CHECK(result.throttled);
  CHECK(harness.inventory.tasks().size() == 3);
  CHECK(harness.run().snapshot->backend_count() == 3);
}

TEST_CASE("cycle: a cluster or service that is not found keeps the last good set") {
  CycleHarness harness;
  fill(harness.cluster, 3, 1);
  harness.run();
  const CycleResult& result = harness.run("ecs:ListTasks", aws::ErrorClass::not_found);
  CHECK(result.listing == Listing::failed);
  CHECK(result.snapshot == nullptr);
  CHECK(result.problems.at(0).error.error_class == aws::ErrorClass::not_found);
  CHECK(harness.inventory.tasks().size() == 3);
}

TEST_CASE("cycle: failed lookups keep the addresses that are known") {
  CycleHarness harness;
  fill(harness.cluster, 4, 2);
  const snapshot::SnapshotPtr before = harness.run().snapshot;
  CHECK(*harness.run("ec2:DescribeInstances").snapshot == *before);
  CHECK(*harness.run("ecs:DescribeContainerInstances").snapshot == *before);
  harness.cluster.instances.clear();  // EC2 answers, but does not show them: still no evidence
  CHECK(*harness.run().snapshot == *before);
}

TEST_CASE("cycle: a terminated instance takes its tasks along") {
  CycleHarness harness;
  fill(harness.cluster, 2, 2);
  harness.run();
  harness.cluster.instances["i-1001"].state = "terminated";
  harness.cluster.instances["i-1001"].private_ip.clear();
  const CycleResult& result = harness.run();
  CHECK(exclusions_text(result.exclusions) == "t1001 no_address");
  CHECK(result.snapshot->backend_count() == 1);
}

TEST_CASE("cycle: the deadline ends it with what is known") {
  CycleHarness harness;
  fill(harness.cluster, 150, 2);
  const snapshot::SnapshotPtr before = harness.run().snapshot;
  harness.cycle.start();
  harness.settle();
  SUBCASE("while listing") {
    harness.clock.advance(std::chrono::seconds(20));
    harness.turn();
    REQUIRE_FALSE(harness.cycle.running());
    CHECK(harness.results.back().listing == Listing::failed);
  }
  SUBCASE("while describing") {
    for (int i = 0; harness.cycle.state() == CycleState::listing; ++i) {
      REQUIRE(i < 50);
      for (const size_t index : harness.api.open()) harness.cluster.answer(harness.api, index);
      harness.turn();
    }
    harness.settle();
    harness.clock.advance(std::chrono::seconds(20));
    harness.turn();
    REQUIRE_FALSE(harness.cycle.running());
    CHECK(*harness.results.back().snapshot == *before);
    CHECK_FALSE(harness.results.back().complete);
  }
  CHECK(harness.results.back().problems.at(0).error.error_class ==
        aws::ErrorClass::cancelled_by_deadline);
  CHECK(harness.api.open().empty());
  CHECK(harness.api.exchanges.back()->cancelled);
  CHECK(*harness.run().snapshot == *before);  // and the next cycle is as good as any
}

}  // namespace kite::discovery
