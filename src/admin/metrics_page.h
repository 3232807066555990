#pragma once

#include <string>
#include <string_view>

#include "admin/view.h"

namespace kite::admin {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Every number of the view for Prometheus. A target's numbers carry `target`, a port's also `port`
/// (the one listened on), a backend's `backend`, `task` and `zone`; those exist only while the
/// backend does. Pure.
std::string metrics_page(const View& view);

}  // namespace kite::admin
