#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sys/clock.h"
#include "sys/result.h"

namespace kite::sys {

/// The original's levels (panic and fatal never occur while serving; they silence the rest).
enum class LogLevel : uint8_t { panic, fatal, error, warn, info, debug };
enum class LogFormat : uint8_t { text, json };

/// Accepts the original's names, "warning" among them.
Result<LogLevel> parse_log_level(std::string_view name);
Result<LogFormat> parse_log_format(std::string_view name);

/// One key=value pair of a log line. Borrows the key; owns the value as text.
/// There is deliberately no way to log an object: secrets have no text form to slip in by.
struct LogField {
  LogField(std::string_view field_key, std::string_view text)
      : key(field_key), value(text), is_number(false) {}
  LogField(std::string_view field_key, const char* text)
      : LogField(field_key, std::string_view(text)) {}
  template <typename Number>
  requires std::is_integral_v<Number> LogField(std::string_view field_key, Number number)
      : key(field_key), value(std::to_string(number)), is_number(true) {}

  std::string_view key;
  std::string value;
  bool is_number;
};

/// Pure: the line without its newline. Text quotes values that hold spaces, quotes, '=' or control
/// bytes; JSON escapes as RFC 8259 section 7. Bytes that are not UTF-8 are replaced in both, and
/// values longer than kLogValueBytesMax are cut and end in "...".
inline constexpr size_t kLogValueBytesMax = 1000;
std::string render_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view event,
                            std::initializer_list<LogField> fields, uint64_t suppressed_lines);

/// Where rendered lines go; the program's is stderr, a test's keeps them.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// `line` ends in a newline. False: it could not be written and is lost.
  virtual bool write_line(std::string_view line) = 0;
};

/// One write(2) a line, so that lines of several processes do not mix. What the other end has no
/// room for is dropped, as are lines longer than PIPE_BUF: logging must not stop traffic.
/// Source:    pipe(7), poll(2).
class StderrSink final : public LogSink {
 public:
  bool write_line(std::string_view line) override;
};

/// Lets one report of a repeating condition through per interval and counts the others.
class LogThrottle {
 public:
  explicit LogThrottle(Duration interval) : interval_(interval) {}

  /// How many reports were held back since the last one let through; empty: hold this one back.
  std::optional<uint64_t> admit(SteadyTime now) {
    if (next_ && now < *next_) {
      ++held_back_;
      return std::nullopt;
    }
    next_ = now + interval_;
    return std::exchange(held_back_, 0);
  }

 private:
  Duration interval_;
  std::optional<SteadyTime> next_;
  uint64_t held_back_ = 0;
};

/// Levelled, rate-limited lines; and those of an access log, which are neither.
/// Lifetime:  clock and sink must outlive the logger.
/// Errors:    none; past the limit lines are counted, and the next line says how many were dropped.
class Logger {
 public:
  struct Options {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    uint32_t lines_per_second_max = 200;
  };
  Logger(const Clock& clock, LogSink& sink, Options options)
      : clock_(clock), sink_(sink), options_(options) {}

  /// Ask before building costly fields.
  bool enabled(LogLevel level) const { return level <= options_.level; }

  void error(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::error, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::warn, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::info, event, fields);
  }
  void debug(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::debug, event, fields);
  }
  /// A line that was asked for one by one, such as for each connection: whatever the level, and
  /// not counted towards the limit. Only what stderr has no room for is lost; the next such line
  /// says how many were.
  void access(std::string_view event, std::initializer_list<LogField> fields);

  uint64_t suppressed_total() const { return suppressed_total_; }
  uint64_t access_lines_dropped_total() const { return access_lines_dropped_total_; }

 private:
  bool put(LogLevel level, std::string_view event, std::initializer_list<LogField> fields,
           uint64_t suppressed_lines);
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
  bool take_allowance();

  const Clock& clock_;
  LogSink& sink_;
  Options options_;
  SteadyTime window_start_{};
  uint32_t window_lines_ = 0;
  uint64_t suppressed_since_line_ = 0;
  uint64_t suppressed_total_ = 0;
  uint64_t access_dropped_since_line_ = 0;
  uint64_t access_lines_dropped_total_ = 0;
};

}  // namespace kite::sys
