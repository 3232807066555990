#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "snapshot/snapshot.h"

namespace kite::snapshot {

/// The current snapshot and who wants to know when it changes.
/// Lifetime:  outlives its subscriptions.
/// Thread:    reactor thread only.
class SnapshotCell {
 public:
  /// Called with the new snapshot and again after every finished cycle, changed or not, so that
  /// the proxy can retry ports it could not bind.
  using OnPublish = std::function<void(const SnapshotPtr&)>;

  /// Null until the first publish: "nothing known" differs from "nothing serves".
  const SnapshotPtr& current() const { return current_; }
  /// Swaps in the snapshot whole, then tells the subscribers in the order they came. A subscriber
  /// must not publish.
  void publish(SnapshotPtr snapshot);
  /// Before the first publish, normally at start-up; for the cell's whole life.
  void subscribe(OnPublish on_publish);
  uint64_t published_total() const { return published_total_; }

 private:
  SnapshotPtr current_;
  std::vector<OnPublish> subscribers_;
  uint64_t published_total_ = 0;
};

}  // namespace kite::snapshot
