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
/// Both sorted.
bool overlap(const std::vector<std::string>& one, const std::vector<std::string>& other);

/// Adds names until the last chunk of `size` is full. `names` is sorted and stays so; an empty list
/// stays empty, for it makes no call.
void fill_chunk(std::vector<std::string>& names, const std::vector<std::string>& more, size_t size);

}  // namespace kite::discovery
