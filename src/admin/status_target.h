#pragma once

#include <cstddef>
#include <string>

#include "admin/history.h"
#include "admin/view.h"

namespace kite::admin {

/// Appends the part of the status page about one target; `rows_left` bounds its table, and is
/// reduced by the rows it has. Pure.
void append_target(std::string& page, const View& view, const TargetView& target,
                   const History& history, size_t& rows_left);

/// Where the AWS console shows a task; empty for partitions whose console is not known. Pure.
std::string console_link(std::string_view region, std::string_view cluster, std::string_view task);

}  // namespace kite::admin
