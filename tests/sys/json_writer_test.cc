#include "sys/json_writer.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace kite::sys {

namespace {

std::string made(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("json: strings parse back") {
  for (const std::string text : {"", "plain", "\"\\/", "\n\t\x01\x7f", "Z\xC3\xBCrich"}) {
    CAPTURE(text);
    const auto parsed = nlohmann::json::parse(made(text), nullptr, false);
    REQUIRE(parsed.is_string());
    CHECK(parsed == text);
  }
  CHECK(made("\xFF") == "\"\xEF\xBF\xBD\"");
}

TEST_CASE("json: commas stand between values, names and nesting included") {
  JsonWriter out;
  out.open('{');
  out.text("a", "b");
  out.number("n", 7);
  out.truth("t", false);
  out.literal("none", "null");
  out.key("list");
  out.open('[');
  out.text("x");
  out.text("y");
  out.close(']');
  out.truth("last", true);
  out.close('}');
  CHECK(out.take() == R"({"a":"b","n":7,"t":false,"none":null,"list":["x","y"],"last":true})");
}

}  // namespace kite::sys
