#pragma once

#include <string>
#include <string_view>

namespace kite::sys {

/// ASCII letters in lower case, every other byte as it is, whatever the locale.
inline std::string ascii_lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// Whether `c` is no character to show. Plain char is signed on some processors only.
inline bool is_ascii_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace kite::sys
