#pragma once

#include <string>

#include "sys/clock.h"
#include "sys/log.h"
#include "tests/support/manual_clock.h"

namespace kite::testing {

/// A logger whose lines a test can read.
class KeptLog final : public sys::LogSink {
 public:
  explicit KeptLog(const sys::Clock& clock)
      : logger(clock, *this, {.level = sys::LogLevel::debug}) {}
  bool write_line(std::string_view line) override {
    text += line;
    return true;
  }

  size_t count(const std::string& part) const {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  }

  std::string text;
  sys::Logger logger;
};

}  // namespace kite::testing
