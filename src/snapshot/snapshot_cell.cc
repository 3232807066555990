#include "snapshot/snapshot_cell.h"

#include <utility>

#include "sys/check.h"

namespace kite::snapshot {

void SnapshotCell::publish(SnapshotPtr snapshot) {
  KITE_CHECK(snapshot != nullptr, "nothing known is the state before the first publish only");
  current_ = std::move(snapshot);
  ++published_total_;
  // A copy, so that a subscriber sees this set to its end whatever it does to the cell.
  const SnapshotPtr published = current_;
  for (const OnPublish& tell : subscribers_) tell(published);
}

void SnapshotCell::subscribe(OnPublish on_publish) {
  KITE_CHECK(published_total_ == 0, "a late subscriber would miss the current snapshot");
  subscribers_.push_back(std::move(on_publish));
}

}  // namespace kite::snapshot
