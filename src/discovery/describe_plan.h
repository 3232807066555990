#pragma once

#include <span>
#include <string>
#include <vector>

#include "discovery/inventory.h"
#include "discovery/target.h"
#include "sys/clock.h"

namespace kite::discovery {

/// How old what is known may grow before it is asked again.
struct Freshness {
  sys::Duration tasks = std::chrono::seconds(30);     ///< for health, mostly
  sys::Duration addresses = std::chrono::minutes(5);  ///< of instances and interfaces
};

/// What a poll knows of its own moment.
struct Occasion {
  sys::Duration next_poll_within{};  ///< when calm
  bool hinted = false;               ///< a backend refused, or an operator asks
};

/// Pure: the listed tasks that this poll describes, sorted: those that are new or not settled, and
/// of the others the ones whose description would be too old by the next poll, oldest first, in
/// full chunks. Large clusters are spread evenly over the polls. DESIGN 24
/// `listed` is sorted, and the inventory holds no other tasks.
std::vector<std::string> plan_descriptions(std::span<const std::string> listed,
                                           const Target& target, const Inventory& inventory,
                                           const Freshness& freshness, const Occasion& occasion,
                                           sys::SteadyTime now);

}  // namespace kite::discovery
