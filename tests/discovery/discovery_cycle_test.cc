#include "discovery/discovery_cycle.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/discovery/cycle_harness.h"

namespace kite::discovery {

using testing::binding;
using testing::FakeCluster;

TEST_CASE("cycle: a bridge task is found with four calls, in order") {
  CycleHarness harness;
  harness.cluster.add_bridge_task("t1", harness.cluster.add_instance("i-1", "10.0.0.1"),
                                  {binding(80, 32771)});
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK(result.listing == Listing::complete);
  CHECK(result.calls == 4);
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:32771");
  REQUIRE(result.snapshot->tasks().size() == 1);
  CHECK(result.snapshot->tasks()[0].id == "t1");
  CHECK(result.snapshot->tasks()[0].zone == "eu-west-1a");
  CHECK(harness.api.at(0).list.family == "web");
  CHECK(harness.api.at(0).list.service.empty());
  CHECK(harness.api.at(0).cluster == "default");
  CHECK(harness.api.at(1).operation == "ecs:DescribeTasks");
  CHECK(harness.api.at(2).operation == "ecs:DescribeContainerInstances");
  CHECK(harness.api.at(3).ids == std::vector<std::string>{"i-1"});
}

TEST_CASE("cycle: a known container instance is not asked again, its address is") {
  CycleHarness harness;
  harness.cluster.add_bridge_task("t1", harness.cluster.add_instance("i-1", "10.0.0.1"),
                                  {binding(80, 32771)});
  harness.run();
  harness.run();
  CHECK(harness.api.count("ecs:DescribeContainerInstances") == 0);
  CHECK(harness.api.count("ec2:DescribeInstances") == 1);
}

TEST_CASE("cycle: at most four calls are in flight") {
  CycleHarness harness;
  fill(harness.cluster, 1000, 450);
  harness.run();
  CHECK(harness.api.count("ecs:DescribeTasks") == 10);
  CHECK(harness.api.count("ec2:DescribeInstances") == 3);
  CHECK(harness.api.open_max == CallQueue::kInFlightMax);
}

TEST_CASE("cycle: EC2's pages are followed to the end") {
  CycleHarness harness;
  fill(harness.cluster, 12, 12);
  harness.cluster.instance_page_size = 5;
  CHECK(harness.run().snapshot->backend_count() == 12);
  CHECK(harness.api.count("ec2:DescribeInstances") == 3);
}

TEST_CASE("cycle: bridge tasks and configured ports need no task definition") {
  SUBCASE("bridge") {
    CycleHarness harness;
    fill(harness.cluster, 3, 1);
    harness.cluster.tasks[FakeCluster::task_arn("t1002")].containers[0].bindings.clear();
    const CycleResult& result = harness.run();
    CHECK(harness.api.count("ecs:DescribeTaskDefinition") == 0);
    CHECK(exclusions_text(result.exclusions) == "t1002 no_ports");
  }
  SUBCASE("ports given") {
    Target target = CycleHarness::default_target();
    target.ports = {8080};
    CycleHarness harness(target);
    const std::string definition = FakeCluster::definition_arn("web", 1);
    harness.cluster.add_fargate_task("t1", "10.0.0.2", definition);
    harness.cluster.add_host_task("t2", harness.cluster.add_instance("i-1", "10.0.0.1"),
                                  definition);
    const CycleResult& result = harness.run();
    CHECK(harness.api.count("ecs:DescribeTaskDefinition") == 0);
    CHECK(endpoints_text(*result.snapshot, 8080) == "10.0.0.1:8080 10.0.0.2:8080");
  }
}

TEST_CASE("cycle: an expired page token starts the listing once more, but only once") {
  CycleHarness harness;
  fill(harness.cluster, 3, 1);
  harness.cluster.page_size = 2;
  harness.cycle.start();
  harness.turn();
  harness.cluster.answer(harness.api, 0);
  harness.settle();
  harness.api.fail(1, aws::ErrorClass::invalid_request, "InvalidParameterException");
  harness.settle();
  CHECK(harness.api.at(2).token.empty());
  SUBCASE("the second listing succeeds, and the next cycle may start one more too") {
    const CycleResult result = harness.finish();
    CHECK(result.complete);
    CHECK(result.snapshot->backend_count() == 3);
    harness.api.forget();
    harness.cycle.start();
    harness.turn();
    harness.cluster.answer(harness.api, 0);
    harness.settle();
    harness.api.fail(1, aws::ErrorClass::invalid_request, "InvalidParameterException");
    CHECK(harness.finish().complete);
  }
  SUBCASE("the second token fails too") {
    harness.cluster.answer(harness.api, 2);
    harness.settle();
    harness.api.fail(3, aws::ErrorClass::invalid_request, "InvalidParameterException");
    CHECK(harness.finish().listing == Listing::failed);
    CHECK(harness.api.count() == 4);
  }
}

TEST_CASE("cycle: an invalid first page is not asked again") {
  CycleHarness harness;
  CHECK(harness.run("ecs:ListTasks", aws::ErrorClass::invalid_request).listing == Listing::failed);
  CHECK(harness.api.count() == 1);
}

TEST_CASE("cycle: an expired EC2 token starts that chunk once more") {
  CycleHarness harness;
  fill(harness.cluster, 6, 6);
  harness.cluster.instance_page_size = 5;
  harness.cycle.start();
  harness.turn();
  for (int i = 0; harness.api.count("ec2:DescribeInstances") < 2; ++i) {
    REQUIRE(i < 50);
    for (const size_t index : harness.api.open()) harness.cluster.answer(harness.api, index);
    harness.turn();
  }
  harness.api.fail(harness.api.open().at(0), aws::ErrorClass::invalid_request);
  const CycleResult& result = harness.finish();
  CHECK(result.complete);
  CHECK(result.snapshot->backend_count() == 6);
  CHECK(harness.api.count("ec2:DescribeInstances") == 4);
}

TEST_CASE("cycle: a listing that never ends is given up, and what is known is kept") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  harness.run();
  harness.api.forget();
  harness.cycle.start();
  harness.turn();
  while (harness.cycle.running()) {  // ends: the page bound
    REQUIRE(harness.api.count() <= DiscoveryCycle::kPagesMax);
    for (const size_t index : harness.api.open()) {
      harness.api.answer(index, aws::EcsApi::TaskPage{{}, "again"});
    }
    harness.turn();
  }
  CHECK(harness.api.count("ecs:ListTasks") == DiscoveryCycle::kPagesMax);
  CHECK(harness.results.back().listing == Listing::failed);
  CHECK(harness.results.back().problems.at(0).error.code == "too_many_pages");
}

TEST_CASE("cycle: EC2 pages that never end are given up, and addresses are kept") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  harness.cycle.start();
  harness.turn();
  while (harness.cycle.running()) {  // ends: the page bound
    REQUIRE(harness.api.count() <= DiscoveryCycle::kPagesMax + 3);
    for (const size_t index : harness.api.open()) {
      if (harness.api.at(index).operation != "ec2:DescribeInstances") {
        harness.cluster.answer(harness.api, index);
        continue;
      }
      harness.api.answer(
          index, aws::Ec2Api::InstancePage{{harness.cluster.instances.begin()->second}, "again"});
    }
    harness.turn();
  }
  CHECK(harness.api.count("ec2:DescribeInstances") == DiscoveryCycle::kPagesMax);
  CHECK(harness.results.back().snapshot->backend_count() == 1);
  CHECK_FALSE(harness.results.back().complete);
}

TEST_CASE("cycle: ECS Anywhere instances are reported and never asked of EC2") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  harness.cluster.add_bridge_task("t9", harness.cluster.add_instance("mi-0123", "10.9.9.9"),
                                  {binding(80, 32771)});
  const CycleResult& result = harness.run();
  CHECK(result.complete);
  CHECK(exclusions_text(result.exclusions) == "t9 external_instance");
  CHECK(result.snapshot->backend_count() == 1);
  for (const auto& exchange : harness.api.exchanges) {
    if (exchange->operation != "ec2:DescribeInstances") continue;
    CHECK(exchange->ids == std::vector<std::string>{"i-1000"});
  }
}

TEST_CASE("cycle: public addresses of task interfaces are asked for only with public addresses") {
  Target target = CycleHarness::default_target();
  target.ports = {80};
  SUBCASE("private") {
    CycleHarness harness(target);
    harness.cluster.add_fargate_task("t1", "10.0.0.1", "");
    harness.run();
    CHECK(harness.api.count("ec2:DescribeNetworkInterfaces") == 0);
  }
  SUBCASE("public") {
    target.use_public_addresses = true;
    CycleHarness harness(target);
    harness.cluster.add_fargate_task("t1", "10.0.0.1", "");
    harness.cluster.add_fargate_task("t2", "10.0.0.2", "");
    harness.cluster.enis["eni-t1"].public_ip = "198.51.100.1";
    const CycleResult result = harness.run();
    CHECK(harness.api.count("ec2:DescribeNetworkInterfaces") == 1);
    CHECK(endpoints_text(*result.snapshot, 80) == "198.51.100.1:80");
    CHECK(exclusions_text(result.exclusions) == "t2 missing_public_address");
    CHECK(*harness.run("ec2:DescribeNetworkInterfaces").snapshot == *result.snapshot);
  }
}

TEST_CASE("cycle: the pages of interfaces are followed to the end") {
  Target target = CycleHarness::default_target();
  target.ports = {80};
  target.use_public_addresses = true;
  CycleHarness harness(target);
  harness.cluster.add_fargate_task("t1", "10.0.0.1", "");
  harness.cluster.add_fargate_task("t2", "10.0.0.2", "");
  harness.cycle.start();
  harness.turn();
  for (int i = 0; harness.api.count("ec2:DescribeNetworkInterfaces") == 0; ++i) {
    REQUIRE(i < 50);
    for (const size_t index : harness.api.open()) harness.cluster.answer(harness.api, index);
    harness.turn();
  }
  harness.api.answer(
      harness.api.open().at(0),
      aws::Ec2Api::InterfacePage{{{"eni-t1", "10.0.0.1", "198.51.100.1", ""}}, "more"});
  harness.settle();
  CHECK(harness.api.at(harness.api.open().at(0)).token == "more");
  harness.api.answer(
      harness.api.open().at(0),
      aws::Ec2Api::InterfacePage{
          {{"eni-t2", "10.0.0.2", "198.51.100.2", ""}, {"eni-stranger", "10.0.0.3", "", ""}}, ""});
  const CycleResult& result = harness.finish();
  CHECK(endpoints_text(*result.snapshot, 80) == "198.51.100.1:80 198.51.100.2:80");
  CHECK(harness.inventory.find_interface("eni-stranger") == nullptr);
}

TEST_CASE("cycle: what earlier cycles taught stays bounded") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  for (size_t i = 0; i <= Inventory::kFactsMax; ++i) {
    harness.inventory.learn_instance(
        {"i-old" + std::to_string(i), "running", "10.1.1.1", "", "", ""});
  }
  CHECK(harness.run().snapshot->backend_count() == 2);
  CHECK(harness.inventory.fact_count() == 2);
}

TEST_CASE("cycle: its deadline ends with it") {
  CycleHarness harness;
  fill(harness.cluster, 2, 1);
  harness.run();
  harness.clock.advance(std::chrono::minutes(5));
  harness.settle();
  CHECK(harness.results.size() == 1);
  CHECK_FALSE(harness.reactor.timers().next_deadline().has_value());
}

TEST_CASE("cycle: tasks that cannot serve cost no lookups") {
  CycleHarness harness;
  fill(harness.cluster, 1, 1);
  harness.cluster.tasks.begin()->second.last_status = "PENDING";
  CHECK(harness.run().calls == 2);
}

TEST_CASE("cycle: destroying it in mid-flight cancels its calls") {
  testing::FakeAwsApi api;
  testing::ManualClock clock;
  event::Reactor reactor(clock);
  Inventory inventory;
  struct Nobody {
    void on_done(const CycleResult&) { FAIL("a destroyed cycle reports nothing"); }
  } nobody;
  {
    DiscoveryCycle cycle(reactor, api, api, inventory,
                         {CycleHarness::default_target(), std::chrono::seconds(20), {}},
                         DiscoveryCycle::OnDone::to<&Nobody::on_done>(&nobody));
    cycle.start();
    reactor.run_turn(sys::Duration::zero());
    CHECK(api.open().size() == 1);
  }
  CHECK(api.open().empty());
  reactor.run_turn(sys::Duration::zero());
}

TEST_CASE("cycle: the phases have one order") {
  std::set<std::pair<CycleState, CycleState>> allowed;
  const CycleState all[] = {CycleState::idle,       CycleState::listing,
                            CycleState::planning,   CycleState::describing_tasks,
                            CycleState::looking_up, CycleState::describing_instances,
                            CycleState::choosing};
  for (const CycleState from : all) {
    for (const CycleState to : all) {
      if (may_become(from, to)) allowed.insert({from, to});
    }
  }
  const std::set<std::pair<CycleState, CycleState>> expected = {
      {CycleState::idle, CycleState::listing},
      {CycleState::listing, CycleState::planning},
      {CycleState::listing, CycleState::idle},
      {CycleState::planning, CycleState::describing_tasks},
      {CycleState::planning, CycleState::idle},
      {CycleState::describing_tasks, CycleState::looking_up},
      {CycleState::describing_tasks, CycleState::choosing},
      {CycleState::describing_tasks, CycleState::idle},
      {CycleState::looking_up, CycleState::describing_instances},
      {CycleState::looking_up, CycleState::choosing},
      {CycleState::looking_up, CycleState::idle},
      {CycleState::describing_instances, CycleState::choosing},
      {CycleState::describing_instances, CycleState::idle},
      {CycleState::choosing, CycleState::idle}};
  CHECK(allowed == expected);
}

}  // namespace kite::discovery
