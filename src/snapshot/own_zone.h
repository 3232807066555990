#pragma once

#include <utility>

#include "sys/shared_text.h"

namespace kite::snapshot {

/// The availability zone that the kite itself runs in, for whoever prefers backends close by:
/// compare it with BackendTask::zone. It is found out beside the first poll, so it may come before
/// or after the first snapshot, or never.
/// Lifetime:  outlives whoever reads it.
/// Thread:    reactor thread only.
class OwnZone {
 public:
  /// Empty while unknown.
  const sys::SharedText& name() const { return name_; }
  void learn(sys::SharedText name) { name_ = std::move(name); }

 private:
  sys::SharedText name_;
};

}  // namespace kite::snapshot
