#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kite::cli {

/// Reads a duration as Go writes them: "250ms", "5s", "1m30s", "1.5h", "0"; units ns, us (or µs),
/// ms, s, m, h; a sign in front is allowed. Nothing when the text is none or does not fit.
/// Source:    pkg.go.dev/time, ParseDuration.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The shortest of the forms above that says it exactly: "250ms", "1m30s", "0s".
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace kite::cli
