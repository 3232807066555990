#include "snapshot/snapshot_cell.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::snapshot {

TEST_CASE("snapshot cell: nothing known differs from nothing serves") {
  SnapshotCell cell;
  CHECK(cell.current() == nullptr);
  cell.publish(std::make_shared<const Snapshot>());
  REQUIRE(cell.current() != nullptr);
  CHECK(cell.current()->backend_count() == 0);
}

TEST_CASE("snapshot cell: subscribers hear of every publish, in order, changed or not") {
  SnapshotCell cell;
  std::string heard;
  cell.subscribe([&](const SnapshotPtr& set) { heard += set == cell.current() ? "a" : "?"; });
  cell.subscribe([&](const SnapshotPtr&) { heard += "b"; });
  const auto set = std::make_shared<const Snapshot>();
  cell.publish(set);
  cell.publish(set);
  CHECK(heard == "abab");
  CHECK(cell.published_total() == 2);
}

TEST_CASE("snapshot cell: a reader keeps the set it took") {
  SnapshotCell cell;
  cell.publish(std::make_shared<const Snapshot>(std::vector<BackendTask>{{"a", ""}},
                                                std::vector<PortBackends>{}));
  const SnapshotPtr taken = cell.current();
  cell.publish(std::make_shared<const Snapshot>());
  CHECK(taken->tasks().size() == 1);
  CHECK(cell.current()->tasks().empty());
}

}  // namespace kite::snapshot
