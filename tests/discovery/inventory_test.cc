#include "discovery/inventory.h"

#include <doctest/doctest.h>

#include "tests/support/fake_cluster.h"

namespace kite::discovery {

namespace {

aws::Task task(const std::string& arn) {
  aws::Task made;
  made.arn = arn;
  made.definition_arn = "d";
  made.container_instance_arn = "ci-used";
  made.eni = aws::TaskEni{"eni-used", "", ""};
  return made;
}

/// As DescribeTasks tells them, each with texts of its own.
aws::Task described_task(size_t i) {
  testing::FakeCluster cluster;
  const std::string host = cluster.add_instance("i-" + std::to_string(i % 10), "10.0.0.1");
  aws::Task& task =
      cluster.add_bridge_task("0123456789abcdef0123456789ab" + std::to_string(1000 + i), host,
                              {testing::binding(80, 32768)});
  task.connectivity = "CONNECTED";
  task.containers.push_back({"log-router", "RUNNING", "HEALTHY", {}});
  return task;
}

size_t own_bytes(const sys::SharedText& text) {
  constexpr size_t kCountsBytes = 8;
  return text.empty() ? 0 : kCountsBytes + text.view().size();
}

}  // namespace

TEST_CASE(
    "inventory: a known task takes less than 500 bytes, for texts that repeat are kept once") {
  Inventory inventory;
  for (size_t i = 0; i < 100; ++i) inventory.learn_task(described_task(i));
  const aws::Task& first = inventory.tasks().begin()->second.task;
  for (const auto& [arn, known] : inventory.tasks()) {
    const aws::Task& task = known.task;
    CHECK(arn.view().data() == task.arn.view().data());
    const auto same = [](const sys::SharedText& a, const sys::SharedText& b) {
      return a.view().data() == b.view().data();
    };
    CHECK(same(task.definition_arn, first.definition_arn));
    CHECK(same(task.availability_zone, first.availability_zone));
    CHECK(same(task.connectivity, first.connectivity));
    CHECK(same(task.last_status, task.desired_status));
    CHECK(same(task.last_status, task.containers[0].last_status));
    CHECK(same(task.containers[1].name, first.containers[1].name));
    CHECK(same(task.containers[0].bindings[0].bind_ip, first.containers[0].bindings[0].bind_ip));
    CHECK(task.container_instance_arn.is_shared());

    constexpr size_t kMapNodeBytes = 4 * sizeof(void*);
    size_t bytes = kMapNodeBytes + sizeof(arn) + sizeof(known) + own_bytes(arn);
    bytes += task.containers.capacity() * sizeof(aws::Container);
    for (const aws::Container& container : task.containers) {
      bytes += container.bindings.capacity() * sizeof(aws::PortBinding);
    }
    CHECK(bytes < 500);
  }
}

TEST_CASE("inventory: a newer description replaces the older one") {
  Inventory inventory;
  inventory.learn_task(task("a"));
  aws::Task newer = task("a");
  newer.last_status = "STOPPED";
  inventory.learn_task(newer);
  REQUIRE(inventory.find_task("a") != nullptr);
  CHECK(inventory.find_task("a")->last_status == "STOPPED");
  CHECK(inventory.tasks().size() == 1);
}

TEST_CASE("inventory: only listed tasks are kept") {
  Inventory inventory;
  for (const char* arn : {"a", "b", "c"}) inventory.learn_task(task(arn));
  inventory.keep_tasks({"b", "c", "d"});
  CHECK(inventory.find_task("a") == nullptr);
  CHECK(inventory.tasks().size() == 2);
  inventory.forget_task("b");
  inventory.forget_task("never known");
  CHECK(inventory.tasks().size() == 1);
  inventory.keep_tasks({});
  CHECK(inventory.tasks().empty());
}

TEST_CASE("inventory: a private address stays, a public one may go") {
  Inventory inventory;
  inventory.learn_instance({"i-1", "running", "10.0.0.1", "198.51.100.1", "fd00::1", "z"});
  inventory.learn_instance({"i-1", "running", "", "", "", "z"});
  inventory.learn_instance({"i-1", "running", "not an address", "", "nor this", "z"});
  const aws::Instance* instance = inventory.find_instance("i-1");
  REQUIRE(instance != nullptr);
  CHECK(instance->private_ip == "10.0.0.1");
  CHECK(instance->ipv6 == "fd00::1");
  CHECK(instance->public_ip.empty());
}

TEST_CASE("inventory: half an answer about a container instance teaches nothing") {
  Inventory inventory;
  inventory.learn_container_instance({"ci", ""});
  inventory.learn_container_instance({"", "i-1"});
  CHECK(inventory.find_instance_id("ci") == nullptr);
  CHECK(inventory.find_instance_id("") == nullptr);
}

TEST_CASE("inventory: facts of the past are kept up to a bound, facts in use always") {
  Inventory inventory;
  inventory.learn_task(task("a"));
  const auto learn_many = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const std::string n = std::to_string(i);
      inventory.learn_container_instance({"ci-" + n, "i-" + n});
      inventory.learn_instance({"i-" + n, "running", "10.0.0.1", "", "", ""});
      inventory.learn_interface({"eni-" + n, "", "", ""});
      inventory.learn_definition("d-" + n, {});
    }
  };
  inventory.learn_container_instance({"ci-used", "i-used"});
  inventory.learn_instance({"i-used", "running", "10.0.0.2", "", "", ""});
  inventory.learn_interface({"eni-used", "", "", ""});
  inventory.learn_definition("d", {});
  learn_many(Inventory::kFactsMax - 1);
  inventory.trim();
  CHECK(inventory.fact_count() == 4 * Inventory::kFactsMax);
  learn_many(Inventory::kFactsMax);
  inventory.trim();
  CHECK(inventory.fact_count() == 4);
  CHECK(inventory.find_instance_id("ci-used") != nullptr);
  CHECK(inventory.find_instance("i-used") != nullptr);
  CHECK(inventory.find_interface("eni-used") != nullptr);
  CHECK(inventory.find_definition("d") != nullptr);
}

}  // namespace kite::discovery
