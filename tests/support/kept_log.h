#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "sys/clock.h"
#include "sys/log.h"

namespace kite::testing {

/// Keeps log lines for the test to read.
class KeptLines : public sys::LogSink {
 public:
  bool write_line(std::string_view line) override {
    lines.emplace_back(line);
    return true;
  }

  /// How many lines hold `text`.
  size_t count(std::string_view text) const {
    return static_cast<size_t>(std::count_if(
        lines.begin(), lines.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
  bool contain(std::string_view text) const { return count(text) > 0; }

  std::vector<std::string> lines;
};

/// A logger whose lines a test can read.
class KeptLog final : public KeptLines {
 public:
  explicit KeptLog(const sys::Clock& clock)
      : logger(clock, *this, {.level = sys::LogLevel::debug}) {}

  sys::Logger logger;
};

}  // namespace kite::testing
