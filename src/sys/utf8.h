#pragma once

#include <cstddef>
#include <string_view>

namespace kite::sys {

/// What stands in place of a byte that is not UTF-8: U+FFFD.
inline constexpr std::string_view kUtf8Replacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at the start of `text`, which is not empty; 0 if there
/// is none. Source: RFC 3629 section 4 (no overlong forms, no surrogates, nothing past U+10FFFF).
size_t utf8_sequence_length(std::string_view text);

}  // namespace kite::sys
