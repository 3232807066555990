#include "discovery/network_mode.h"

#include <doctest/doctest.h>

#include <optional>

namespace kite::discovery {

namespace {

struct Row {
  const char* what;
  bool eni;
  bool instance;
  bool bindings;
  bool sibling_has_bindings;
  bool ports_given;
  std::optional<const char*> definition_mode;
  NetworkMode expected;
};

NetworkMode mode_of(const Row& row) {
  aws::Task task;
  task.definition_arn = "d";
  if (row.eni) task.eni = aws::TaskEni{"eni-1", "10.0.0.1", ""};
  if (row.instance) task.container_instance_arn = "ci";
  task.containers = {{"app", "RUNNING", "", {}}, {"other", "RUNNING", "", {}}};
  // Another container's binding tells the mode of the task as well as its own would.
  if (row.bindings) task.containers[1].bindings.push_back({"", {80, 80}, {1, 1}, "tcp"});
  aws::Task sibling = task;
  sibling.containers[0].bindings.push_back({"", {80, 80}, {1, 1}, "tcp"});
  Target target;
  if (row.ports_given) target.ports = {80};
  aws::TaskDefinition definition;
  if (row.definition_mode.has_value()) definition.network_mode = *row.definition_mode;
  std::vector<const aws::Task*> tasks = {&task};
  if (row.sibling_has_bindings) tasks.push_back(&sibling);
  return network_mode(task, target, row.definition_mode.has_value() ? &definition : nullptr,
                      bridge_definitions(tasks));
}

}  // namespace

TEST_CASE("network mode: what a description shows, and what only the definition tells") {
  const Row rows[] = {
      {"interface", true, true, false, false, false, {}, NetworkMode::task_eni},
      {"interface and a range binding", true, true, true, false, false, {}, NetworkMode::task_eni},
      {"Fargate without interface yet",
       false,
       false,
       false,
       false,
       true,
       {},
       NetworkMode::unreachable},
      {"bindings", false, true, true, false, false, {}, NetworkMode::bridge},
      {"bindings, ports given", false, true, true, false, true, {}, NetworkMode::bridge},
      {"no bindings yet, sibling has", false, true, false, true, true, {}, NetworkMode::bridge},
      {"nothing known", false, true, false, false, false, {}, NetworkMode::unknown},
      {"nothing known, ports given", false, true, false, false, true, {}, NetworkMode::host},
      {"definition host", false, true, false, false, false, "host", NetworkMode::host},
      {"definition none", false, true, false, false, false, "none", NetworkMode::unreachable},
      {"definition awsvpc", false, true, false, false, false, "awsvpc", NetworkMode::unreachable},
      {"definition bridge", false, true, false, false, false, "bridge", NetworkMode::bridge},
      {"definition nat", false, true, false, false, false, "nat", NetworkMode::bridge},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(mode_of(row) == row.expected);
  }
}

TEST_CASE("network mode: the bindings of an awsvpc task say nothing of other tasks") {
  aws::Task task;
  task.definition_arn = "d";
  task.eni = aws::TaskEni{};
  task.containers = {{"app", "RUNNING", "", {{"", {80, 85}, {80, 85}, "tcp"}}}};
  CHECK(bridge_definitions({&task}).empty());
  task.eni.reset();
  CHECK(bridge_definitions({&task}).contains("d"));
}

}  // namespace kite::discovery
