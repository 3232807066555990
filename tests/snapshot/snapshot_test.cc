#include "snapshot/snapshot.h"

#include <doctest/doctest.h>

namespace kite::snapshot {

namespace {

sys::Endpoint at(const char* address, uint16_t port) {
  return sys::Endpoint::parse(address, port).value();
}

}  // namespace

TEST_CASE("snapshot: an empty set has no ports, no tasks and no backends") {
  const Snapshot nothing;
  CHECK(nothing.ports().empty());
  CHECK(nothing.tasks().empty());
  CHECK(nothing.backend_count() == 0);
  CHECK(nothing.find_port(80) == nullptr);
}

TEST_CASE("snapshot: equal sets compare equal whatever order they were built in") {
  const Snapshot forward(
      {{"a", "z1"}, {"b", "z2"}},
      {{80, {{at("10.0.0.1", 1), 0}}}, {90, {{at("10.0.0.2", 2), 1}, {at("10.0.0.1", 3), 0}}}});
  const Snapshot backward(
      {{"b", "z2"}, {"a", "z1"}},
      {{90, {{at("10.0.0.1", 3), 1}, {at("10.0.0.2", 2), 0}}}, {80, {{at("10.0.0.1", 1), 1}}}});
  CHECK(forward == backward);
  CHECK(forward.tasks()[0].id == "a");
  REQUIRE(forward.find_port(90) != nullptr);
  const std::vector<Backend>& backends = forward.find_port(90)->backends;
  CHECK(backends[0].endpoint < backends[1].endpoint);
  const Backend& second_task = backends[0].endpoint.port() == 2 ? backends[0] : backends[1];
  CHECK(forward.tasks()[second_task.task_index].id == "b");
}

TEST_CASE("snapshot: another task behind the same endpoint is another set") {
  const Snapshot before({{"a", ""}}, {{80, {{at("10.0.0.1", 80), 0}}}});
  const Snapshot after({{"b", ""}}, {{80, {{at("10.0.0.1", 80), 0}}}});
  CHECK_FALSE(before == after);
}

TEST_CASE("snapshot: each endpoint of a port stands once, with the first task by id") {
  const Snapshot set({{"b", ""}, {"a", ""}},
                     {{80, {{at("10.0.0.1", 80), 0}, {at("10.0.0.1", 80), 1}}}});
  REQUIRE(set.backend_count() == 1);
  CHECK(set.tasks()[set.ports()[0].backends[0].task_index].id == "a");
}

TEST_CASE("snapshot: two entries of one port become one") {
  const Snapshot set({{"a", ""}}, {{80, {{at("10.0.0.1", 1), 0}}}, {80, {{at("10.0.0.1", 2), 0}}}});
  REQUIRE(set.ports().size() == 1);
  CHECK(set.ports()[0].backends.size() == 2);
}

TEST_CASE("snapshot: a configured port without backends is kept") {
  const Snapshot set({}, {{8080, {}}, {80, {}}});
  REQUIRE(set.ports().size() == 2);
  CHECK(set.ports()[0].container_port == 80);
  CHECK(set.find_port(8080) != nullptr);
  CHECK(set.find_port(81) == nullptr);
  CHECK(set.backend_count() == 0);
}

}  // namespace kite::snapshot
