#include "discovery/backend_selector.h"

#include <doctest/doctest.h>

#include "tests/discovery/cycle_harness.h"

namespace kite::discovery {

using testing::binding;

namespace {

/// A cluster as the cycle would have taught it to the inventory.
struct Facts {
  testing::FakeCluster cluster;
  Target target = CycleHarness::default_target();
  std::string host = cluster.add_instance("i-1", "10.0.0.1");

  Selection select() const {
    Inventory inventory;
    std::vector<const aws::Task*> tasks;
    for (const auto& [arn, task] : cluster.tasks) tasks.push_back(&task);
    for (const auto& [arn, id] : cluster.instance_ids) {
      inventory.learn_container_instance({arn, id});
    }
    for (const auto& [id, instance] : cluster.instances) inventory.learn_instance(instance);
    for (const auto& [arn, definition] : cluster.definitions) {
      inventory.learn_definition(arn, definition);
    }
    BackendSelector selector(std::move(tasks), target, inventory);
    while (!selector.ready()) selector.look_at_some(1);
    return selector.choose();
  }
  std::string served(uint16_t port = 80) const { return endpoints_text(select().snapshot, port); }
  std::string left_out() const { return exclusions_text(select().exclusions); }
};

}  // namespace

TEST_CASE("filter: a task serves only while it and its container are RUNNING and meant to be") {
  struct Row {
    const char* last;
    const char* desired;
    const char* container;
    const char* expected;
  };
  const Row rows[] = {
      {"RUNNING", "RUNNING", "RUNNING", ""},
      {"PENDING", "RUNNING", "RUNNING", "t1 not_running"},
      {"ACTIVATING", "RUNNING", "RUNNING", "t1 not_running"},
      {"RUNNING", "STOPPED", "RUNNING", "t1 not_running"},
      {"DEACTIVATING", "STOPPED", "RUNNING", "t1 not_running"},
      {"", "RUNNING", "RUNNING", "t1 not_running"},
      {"RUNNING", "RUNNING", "PENDING", "t1 container_not_running"},
      {"RUNNING", "RUNNING", "STOPPED", "t1 container_not_running"},
      {"RUNNING", "RUNNING", "", "t1 container_not_running"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.last);
    CAPTURE(row.desired);
    CAPTURE(row.container);
    Facts facts;
    aws::Task& task = facts.cluster.add_bridge_task("t1", facts.host, {binding(80, 1001)});
    task.last_status = row.last;
    task.desired_status = row.desired;
    task.containers[0].last_status = row.container;
    CHECK(facts.left_out() == row.expected);
    CHECK(facts.served() == (*row.expected == '\0' ? "10.0.0.1:1001" : "no port"));
  }
}

TEST_CASE("filter: the named container is found among others, and its absence names them") {
  Facts facts;
  aws::Task& task = facts.cluster.add_bridge_task("t1", facts.host, {binding(80, 1001)});
  task.containers.insert(task.containers.begin(),
                         aws::Container{"log-router", "RUNNING", "", {binding(80, 1002)}});
  CHECK(facts.served() == "10.0.0.1:1001");
  facts.target.container = "web";
  const Selection selection = facts.select();
  CHECK(exclusions_text(selection.exclusions) == "t1 container_not_found");
  CHECK(selection.exclusions[0].detail == "no container is named web; it has log-router, app");
}

TEST_CASE("filter: UNHEALTHY is left out unless every container that can be reached is") {
  Facts facts;
  aws::Task& first = facts.cluster.add_bridge_task("t1", facts.host, {binding(80, 1001)});
  aws::Task& second = facts.cluster.add_bridge_task("t2", facts.host, {binding(80, 1002)});
  first.containers[0].health_status = "UNHEALTHY";
  SUBCASE("the other is HEALTHY") {
    second.containers[0].health_status = "HEALTHY";
  }
  SUBCASE("the other is UNKNOWN") {
    second.containers[0].health_status = "UNKNOWN";
  }
  SUBCASE("the other says nothing") {
    second.containers[0].health_status = "";
  }
  CHECK(facts.served() == "10.0.0.1:1002");
  CHECK(facts.left_out() == "t1 unhealthy");

  second.containers[0].health_status = "UNHEALTHY";
  CHECK(facts.served() == "10.0.0.1:1001 10.0.0.1:1002");
  CHECK(facts.left_out().empty());

  second.containers[0].health_status = "HEALTHY";
  second.containers[0].bindings.clear();  // simply not there
  CHECK(facts.served() == "10.0.0.1:1001");
  CHECK(facts.left_out() == "t2 no_ports");
}

TEST_CASE("filter: the same health rule in every network mode") {
  Facts facts;
  const std::string definition = testing::FakeCluster::definition_arn("web", 9);
  facts.cluster.add_definition(definition, "awsvpc", {80});
  facts.cluster.add_fargate_task("t1", "10.0.1.1", definition).containers[0].health_status =
      "UNHEALTHY";
  facts.cluster.add_fargate_task("t2", "10.0.1.2", definition);
  CHECK(facts.served() == "10.0.1.2:80");
  facts.cluster.tasks.erase(testing::FakeCluster::task_arn("t2"));
  CHECK(facts.served() == "10.0.1.1:80");
}

TEST_CASE("filter: configured ports restrict, and are there even if nothing serves them") {
  Facts facts;
  facts.cluster.add_bridge_task("t1", facts.host, {binding(80, 1001), binding(81, 1002)});
  facts.target.ports = {81, 9090};
  const Selection selection = facts.select();
  REQUIRE(selection.snapshot.ports().size() == 2);
  CHECK(endpoints_text(selection.snapshot, 81) == "10.0.0.1:1002");
  CHECK(endpoints_text(selection.snapshot, 9090).empty());
  facts.target.ports = {9090};
  CHECK(facts.left_out() == "t1 no_ports");
  CHECK(facts.select().snapshot.tasks().empty());
}

TEST_CASE("filter: a task without a zone has its instance's") {
  Facts facts;
  facts.cluster.add_bridge_task("t1", facts.host, {binding(80, 1001)}).availability_zone.clear();
  facts.cluster.instances["i-1"].availability_zone = "eu-west-1c";
  CHECK(facts.select().snapshot.tasks().at(0).zone == "eu-west-1c");
}

TEST_CASE("filter: every reason has a name of its own") {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kExclusionReasonCount; ++i) {
    names.insert(reason_name(static_cast<ExclusionReason>(i)));
  }
  CHECK(names.size() == kExclusionReasonCount);
  CHECK_FALSE(names.contains("unknown"));
}

}  // namespace kite::discovery
