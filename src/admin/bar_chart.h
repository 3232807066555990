#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kite::admin {

/// Appends a small chart of bars, the highest as high as the chart. `what` says what is drawn, for
/// those who cannot see it, and is part of the page as it is. Equal neighbours share their bytes.
void append_bar_chart(std::string& page, std::span<const uint32_t> steps, std::string_view what);

}  // namespace kite::admin
