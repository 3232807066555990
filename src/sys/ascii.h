#pragma once

#include <algorithm>
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

/// A label of a host name in lower case: letters, digits and inner hyphens, at most 63 of them.
/// Source:    RFC 1035 section 2.3.4, RFC 1123 section 2.1.
inline bool is_host_label(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace kite::sys
