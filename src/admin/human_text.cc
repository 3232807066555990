#include "admin/human_text.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kite::admin {

std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {" B", " kB", " MB", " GB", " TB", " PB"};
  size_t unit = 0;
  uint64_t tenths = std::min<uint64_t>(bytes, UINT64_MAX / 10) * 10;
  while (tenths >= 10'000 && unit + 1 < kUnits.size()) {
    tenths /= 1000;
    ++unit;
  }
  std::string text = std::to_string(tenths / 10);
  // One decimal while it says something: 1.2 MB, but 12 MB and 999 B.
  if (unit > 0 && tenths < 100) text += "." + std::to_string(tenths % 10);
  return text.append(kUnits[unit]);
}

std::string duration_text(sys::Duration duration) {
  const sys::Duration shown = std::max(duration, sys::Duration{});
  if (shown < std::chrono::seconds(1)) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(shown).count();
    // Milliseconds, with a decimal while it says something.
    const std::string decimal = us < 10'000 ? "." + std::to_string(us / 100 % 10) : "";
    return std::to_string(us / 1000) + decimal + " ms";
  }
  const int64_t tenths =
      std::chrono::duration_cast<std::chrono::duration<int64_t, std::deci>>(shown).count();
  const int64_t seconds = tenths / 10;
  if (seconds < 10) {
    return std::to_string(seconds) + "." + std::to_string(tenths % 10) + " s";
  }
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  if (seconds < 2 * kMinute) return std::to_string(seconds) + " s";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + " min";
  if (seconds < kDay) {
    return std::to_string(seconds / kHour) + " h " + std::to_string(seconds % kHour / kMinute) +
           " min";
  }
  return std::to_string(seconds / kDay) + " d " + std::to_string(seconds % kDay / kHour) + " h";
}

}  // namespace kite::admin
