#include "discovery/inventory.h"

#include <doctest/doctest.h>

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

}  // namespace

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
