#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sys/clock.h"

namespace kite::admin {

/// Appending to a page. Bytes that are not UTF-8 become U+FFFD in both, and control bytes are
/// shown as such or left to the format's own escapes: whatever AWS says stays text.

/// For HTML text and double-quoted attributes.
void append_html(std::string& page, std::string_view text);
/// A Prometheus label value, with its quotes. Source: prometheus.io, exposition formats.
void append_label(std::string& page, std::string_view text);

void append_number(std::string& page, uint64_t number);
void append_number(std::string& page, int64_t number);
/// As seconds with a fraction as long as it must be: "0.25", "3", "-1.5".
void append_seconds(std::string& page, sys::Duration duration);

}  // namespace kite::admin
