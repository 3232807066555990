#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace kite::sys {

/// Appends `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
/// Source:    RFC 8259 section 7.
void append_json_string(std::string& out, std::string_view text);

/// Writes one JSON value piece by piece, commas included; the caller keeps brackets balanced.
class JsonWriter {
 public:
  void open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }
  void key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    first_ = true;  // no comma before its value
  }
  void text(std::string_view value) {
    separate();
    append_json_string(out_, value);
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }
  /// A value as JSON writes it: a number, true, false or null.
  void literal(std::string_view name, std::string_view value) {
    key(name);
    separate();
    out_ += value;
  }
  void number(std::string_view name, uint64_t value) { literal(name, std::to_string(value)); }
  void truth(std::string_view name, bool value) { literal(name, value ? "true" : "false"); }
  std::string take() { return std::move(out_); }

 private:
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }

  std::string out_;
  bool first_ = true;
};

}  // namespace kite::sys
