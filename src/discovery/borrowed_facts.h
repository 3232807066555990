#pragma once

#include <string>
#include <vector>

#include "discovery/inventory.h"
#include "discovery/lookup_plan.h"

namespace kite::discovery {

/// Takes over what is wanted from another target's inventory, with its age: whether it is young
/// enough is for the next plan to say. What is known there no better than here stays there.
void borrow(const LookupPlan& wanted, const Inventory& from, Inventory& to);
/// The same for EC2 instances.
void borrow_instances(const std::vector<std::string>& wanted, const Inventory& from, Inventory& to);

/// Whether one asks anything that the other asks too.
bool overlap(const LookupPlan& one, const LookupPlan& other);

}  // namespace kite::discovery
