#include "sys/log.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>

#include "sys/json_writer.h"

namespace kite::sys {

namespace {

constexpr std::array<std::string_view, 6> kLevelNames = {"panic", "fatal", "error",
                                                         "warn",  "info",  "debug"};

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '\\' || c == '=') return true;
  }
  return false;
}

/// The value itself, or its start up to a whole character.
std::string shortened(const std::string& value) {
  if (value.size() <= kLogValueBytesMax) return value;
  size_t end = kLogValueBytesMax - 3;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  return value.substr(0, end) + "...";
}

void append_pair(std::string& line, LogFormat format, std::string_view key, std::string_view value,
                 bool is_number) {
  if (format == LogFormat::json) {
    line += line.empty() ? "{" : ",";
    append_json_string(line, key);
    line += ':';
    if (is_number) {
      line += value;
    } else {
      append_json_string(line, value);
    }
    return;
  }
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  if (!is_number && needs_quotes(value)) {
    append_json_string(line, value);
  } else {
    line += value;
  }
}

std::string iso_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view name) {
  if (name == "warning") return LogLevel::warn;
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return Error{"must be one of panic, fatal, error, warn, info, debug"};
}

Result<LogFormat> parse_log_format(std::string_view name) {
  if (name == "text") return LogFormat::text;
  if (name == "json") return LogFormat::json;
  return Error{"must be text or json"};
}

std::string render_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view event,
                            std::initializer_list<LogField> fields, uint64_t suppressed_lines) {
  std::string line;
  append_pair(line, format, "time", iso_time(time), false);
  append_pair(line, format, "level", kLevelNames[static_cast<size_t>(level)], false);
  append_pair(line, format, "event", event, false);
  for (const LogField& field : fields) {
    append_pair(line, format, field.key, shortened(field.value), field.is_number);
  }
  if (suppressed_lines > 0) {
    append_pair(line, format, "suppressed_lines", std::to_string(suppressed_lines), true);
  }
  if (format == LogFormat::json) line += '}';
  return line;
}

bool StderrSink::write_line(std::string_view line) {
  // O_NONBLOCK would change the descriptor for every process that shares it, so ask first. A pipe
  // that polls writable has a page free, and PIPE_BUF bytes fit in one: the write cannot block.
  pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (line.size() > PIPE_BUF || ::poll(&standard_error, 1, 0) != 1) return false;
  if ((standard_error.revents & POLLOUT) == 0) return false;
  return ::write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

void Logger::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  if (!take_allowance()) {
    ++suppressed_since_line_;
    ++suppressed_total_;
    return;
  }
  if (put(level, event, fields, suppressed_since_line_)) {
    suppressed_since_line_ = 0;
  } else {
    ++suppressed_since_line_;
    ++suppressed_total_;
  }
}

void Logger::access(std::string_view event, std::initializer_list<LogField> fields) {
  if (put(LogLevel::info, event, fields, access_dropped_since_line_)) {
    access_dropped_since_line_ = 0;
  } else {
    ++access_dropped_since_line_;
    ++access_lines_dropped_total_;
  }
}

bool Logger::put(LogLevel level, std::string_view event, std::initializer_list<LogField> fields,
                 uint64_t suppressed_lines) {
  std::string line =
      render_log_line(options_.format, clock_.wall_now(), level, event, fields, suppressed_lines);
  line += '\n';
  return sink_.write_line(line);
}

bool Logger::take_allowance() {
  const SteadyTime now = clock_.steady_now();
  if (now - window_start_ >= std::chrono::seconds(1)) {
    window_start_ = now;
    window_lines_ = 0;
  }
  if (window_lines_ >= options_.lines_per_second_max) return false;
  ++window_lines_;
  return true;
}

}  // namespace kite::sys
