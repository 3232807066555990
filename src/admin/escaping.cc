#include "admin/escaping.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "sys/ascii.h"
#include "sys/utf8.h"

namespace kite::admin {

namespace {

/// Calls `append_special(byte)` for each ASCII byte, which returns false to have it as it is.
template <typename AppendSpecial>
void append_text(std::string& page, std::string_view text, AppendSpecial append_special) {
  while (!text.empty()) {  // ends: each round takes at least a byte
    const auto byte = static_cast<unsigned char>(text.front());
    size_t length = 1;
    if (byte < 0x80) {
      if (!append_special(text.front())) page += text.front();
    } else if (length = sys::utf8_sequence_length(text); length > 0) {
      page += text.substr(0, length);
    } else {
      page += sys::kUtf8Replacement;
      length = 1;
    }
    text.remove_prefix(length);
  }
}

template <typename Number>
void append_integer(std::string& page, Number number) {
  std::array<char, 24> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  page.append(digits.data(), result.ptr);
}

}  // namespace

void append_html(std::string& page, std::string_view text) {
  append_text(page, text, [&page](char c) {
    switch (c) {
      case '&':
        page += "&amp;";
        return true;
      case '<':
        page += "&lt;";
        return true;
      case '>':
        page += "&gt;";
        return true;
      case '"':
        page += "&quot;";
        return true;
      case '\'':
        page += "&#39;";
        return true;
      default:
        if (!sys::is_ascii_control(c)) return false;
        page += sys::kUtf8Replacement;
        return true;
    }
  });
}

void append_label(std::string& page, std::string_view text) {
  page += '"';
  append_text(page, text, [&page](char c) {
    if (c == '\n') {
      page += "\\n";
      return true;
    }
    if (c == '"' || c == '\\') page += '\\';
    return false;
  });
  page += '"';
}

void append_number(std::string& page, uint64_t number) {
  append_integer(page, number);
}

void append_number(std::string& page, int64_t number) {
  append_integer(page, number);
}

void append_seconds(std::string& page, sys::Duration duration) {
  constexpr int64_t kPerSecond = 1'000'000'000;
  const int64_t total = duration.count();
  if (total < 0) page += '-';
  // The magnitude as unsigned: the least value has no positive twin.
  const uint64_t ns = total < 0 ? 0 - static_cast<uint64_t>(total) : static_cast<uint64_t>(total);
  append_integer(page, ns / kPerSecond);
  uint64_t fraction = ns % kPerSecond;
  if (fraction == 0) return;
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), ".%09u", static_cast<unsigned>(fraction));
  std::string_view digits(text.data());
  while (digits.ends_with('0')) digits.remove_suffix(1);
  page += digits;
}

}  // namespace kite::admin
