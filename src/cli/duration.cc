#include "cli/duration.h"

#include <array>
#include <cstdint>

namespace kite::cli {

namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
/// Longer names first, so that "ms" is not read as "m".
constexpr std::array<Unit, 8> kUnits = {{
    {"\xC2\xB5s", 1'000},  // µs with U+00B5, micro sign
    {"\xCE\xBCs", 1'000},  // μs with U+03BC, Greek mu
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// What the digits behind a point are worth, cut to whole nanoseconds as Go does.
int64_t fraction_of(std::string_view digits, int64_t unit_ns) {
  constexpr size_t kDigitsMax = 18;  // an hour has 13 digits of nanoseconds; more change nothing
  __int128 numerator = 0;
  __int128 denominator = 1;
  for (const char digit : digits.substr(0, kDigitsMax)) {
    numerator = numerator * 10 + (digit - '0');
    denominator *= 10;
  }
  return static_cast<int64_t>(numerator * unit_ns / denominator);
}

/// "1.5h" at the front of `text`, taken off it; nothing when it is no number with a unit.
std::optional<int64_t> take_part(std::string_view& text) {
  int64_t whole = 0;
  size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    if (__builtin_mul_overflow(whole, 10, &whole)) return std::nullopt;
    if (__builtin_add_overflow(whole, text.front() - '0', &whole)) return std::nullopt;
  }
  std::string_view fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    size_t length = 0;
    while (length < text.size() && is_digit(text[length])) ++length;
    fraction = text.substr(0, length);
    digits += length;
    text.remove_prefix(length);
  }
  if (digits == 0) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    int64_t part = 0;
    if (__builtin_mul_overflow(whole, unit.nanoseconds, &part)) return std::nullopt;
    if (__builtin_add_overflow(part, fraction_of(fraction, unit.nanoseconds), &part)) {
      return std::nullopt;
    }
    return part;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  while (!text.empty()) {  // ends: take_part() takes at least a digit and a unit, or fails
    const auto part = take_part(text);
    if (!part || __builtin_add_overflow(total, *part, &total)) return std::nullopt;
  }
  return std::chrono::nanoseconds(negative ? -total : total);
}

std::string duration_text(std::chrono::milliseconds duration) {
  int64_t ms = duration.count();
  if (ms == 0) return "0s";
  std::string text = ms < 0 ? "-" : "";
  if (ms < 0) ms = -ms;
  const auto take = [&](int64_t unit_ms, const char* name) {
    if (ms >= unit_ms) text += std::to_string(ms / unit_ms) + name;
    ms %= unit_ms;
  };
  take(3'600'000, "h");
  take(60'000, "m");
  take(1'000, "s");
  take(1, "ms");
  return text;
}

}  // namespace kite::cli
