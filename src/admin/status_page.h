#pragma once

#include <string>

#include "admin/history.h"
#include "admin/view.h"

namespace kite::admin {

/// The page for people: one document without external parts, refreshed by its own script, or by the
/// browser where scripts are off. The first kBackendRowsMax backends of all targets have a row.
/// Everything that comes from AWS or the command line is escaped. Pure.
std::string status_page(const View& view, const History& history);

inline constexpr size_t kBackendRowsMax = 200;

}  // namespace kite::admin
