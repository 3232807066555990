#pragma once

#include <string_view>

namespace kite::admin {

/// The looks and the one script of the status page. The content policy names both by their
/// SHA-256, so nothing else on the page can style or run; a test compares. DESIGN 57
extern const std::string_view kStatusStyle;
extern const std::string_view kStatusScript;
extern const std::string_view kStatusPolicy;

}  // namespace kite::admin
