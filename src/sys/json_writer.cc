#include "sys/json_writer.h"

#include <array>
#include <cstdio>

#include "sys/ascii.h"
#include "sys/utf8.h"

namespace kite::sys {

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {  // ends: each round takes at least a byte
    const char c = text.front();
    size_t consumed = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (is_ascii_control(c)) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned char>(c));
      out += escape.data();
    } else if (const size_t length = utf8_sequence_length(text); length > 0) {
      out += text.substr(0, length);
      consumed = length;
    } else {
      out += kUtf8Replacement;
    }
    text.remove_prefix(consumed);
  }
  out += '"';
}

}  // namespace kite::sys
