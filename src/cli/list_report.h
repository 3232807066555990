#pragma once

#include <span>
#include <string>

#include "cli/table.h"
#include "discovery/discovery_cycle.h"
#include "discovery/target.h"

namespace kite::cli {

/// What one cycle found of one target.
struct ListedTarget {
  discovery::Target target;
  discovery::CycleResult result;

  size_t backend_count() const {
    return result.snapshot == nullptr ? 0 : result.snapshot->backend_count();
  }
};

/// What `list` says: backends, the tasks that were left out and why, what AWS did not answer. For
/// people; ends in a newline. Pure.
std::string list_text(std::span<const ListedTarget> targets, const Style& style);

/// The same for scripts, one line of JSON; the README documents its shape. Pure.
std::string list_json(std::span<const ListedTarget> targets);

/// What the failures of a cycle come to, for people: a line each, indented. Pure.
std::string problems_text(const discovery::CycleResult& result, const Style& style);

}  // namespace kite::cli
