#pragma once

#include <string>
#include <string_view>

#include "admin/view.h"

namespace kite::admin {

inline constexpr std::string_view kBackendsContentType = "application/json";

/// The current sets and their counters as JSON, for scripts. README.md documents the shape, which
/// only ever grows. Pure.
std::string backends_page(const View& view);

}  // namespace kite::admin
