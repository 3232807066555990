#include "aws/timestamp.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace kite::aws {
namespace {

using std::chrono::sys_days;

/// Reads exactly `count` digits at `at`; -1 if they are not there.
int digits(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return -1;
  int number = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

struct Fields {
  int year = -1;
  int month = -1;
  int day = -1;
  int hour = -1;
  int minute = -1;
  int second = -1;
};

std::optional<sys::WallTime> to_time(const Fields& fields) {
  if (fields.year < 0 || fields.month < 0 || fields.day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(fields.year),
                                         std::chrono::month(static_cast<unsigned>(fields.month)),
                                         std::chrono::day(static_cast<unsigned>(fields.day))};
  const bool time_ok = fields.hour >= 0 && fields.hour < 24 && fields.minute >= 0 &&
                       fields.minute < 60 && fields.second >= 0 && fields.second <= 60;
  if (!date.ok() || !time_ok) return std::nullopt;
  return sys_days(date) + std::chrono::hours(fields.hour) + std::chrono::minutes(fields.minute) +
         std::chrono::seconds(fields.second);  // a leap second reads as the next second
}

}  // namespace

std::string amz_timestamp(sys::WallTime time) {
  const sys::WallTime first = sys_days(std::chrono::year(0) / 1 / 1);
  const sys::WallTime last =
      sys_days(std::chrono::year(9999) / 12 / 31) + std::chrono::seconds(86'399);
  time = std::clamp(time, first, last);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 80> text{};  // wide enough for what -Wformat-truncation can imagine
  std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<sys::WallTime> parse_http_date(std::string_view text) {
  // Fri, 02 Jan 2026 03:04:05 GMT
  // 0    5  8   12   17 20 23 26
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const bool separators =
      text[7] == ' ' && text[11] == ' ' && text[16] == ' ' && text[19] == ':' && text[22] == ':';
  const size_t month = kMonths.find(text.substr(8, 3));
  if (!separators || month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  return to_time({digits(text, 12, 4), static_cast<int>(month / 3) + 1, digits(text, 5, 2),
                  digits(text, 17, 2), digits(text, 20, 2), digits(text, 23, 2)});
}

std::optional<sys::WallTime> parse_iso_timestamp(std::string_view text) {
  // 2026-01-02T09:04:05Z
  // 0    5  8  11 14 17
  if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
  const bool separators =
      text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':';
  const std::string_view fraction = text.substr(19, text.size() - 20);
  const bool fraction_ok =
      fraction.empty() || (fraction.size() > 1 && fraction[0] == '.' &&
                           fraction.find_first_not_of("0123456789", 1) == std::string_view::npos);
  if (!separators || !fraction_ok) return std::nullopt;
  return to_time({digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2), digits(text, 11, 2),
                  digits(text, 14, 2), digits(text, 17, 2)});
}

}  // namespace kite::aws
