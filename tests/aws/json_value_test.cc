#include "aws/json_value.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

std::string repeated(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

bool parses(const std::string& text) {
  return JsonDocument::parse(text).ok();
}

}  // namespace

TEST_CASE("json_value: what is there is read") {
  const auto document = JsonDocument::parse(R"({"a":{"b":[1,"x",true,-7]},"n":null})");
  REQUIRE(document.ok());
  const JsonValue list = document->root().member("a").member("b");
  CHECK(list.size() == 4);
  CHECK(list.at(0).integer() == 1);
  CHECK(list.at(1).text() == "x");
  CHECK(list.at(2).truth());
  CHECK(list.at(3).integer() == -7);
  CHECK(document->root().member("n").is_nothing());
}

TEST_CASE("json_value: absent, null and wrong types read as empty") {
  const auto document = JsonDocument::parse(R"({"s":"x","i":5,"f":80.0,"n":null,"l":[],"o":{}})");
  REQUIRE(document.ok());
  const JsonValue root = document->root();
  for (const char* name : {"absent", "n", "i", "f", "l", "o"}) {
    CHECK(root.member(name).text().empty());
  }
  for (const char* name : {"absent", "n", "s", "f", "l", "o"}) {
    CHECK_FALSE(root.member(name).integer().has_value());
  }
  for (const char* name : {"absent", "n", "s", "i", "o", "l"}) {
    CHECK(root.member(name).size() == 0);
    CHECK(root.member(name).at(0).is_nothing());
    CHECK(root.member(name).member("x").is_nothing());
    CHECK_FALSE(root.member(name).truth());
  }
  CHECK(JsonValue().at(3).member("x").text().empty());
}

TEST_CASE("json_value: integers that do not fit are no integers") {
  const auto document =
      JsonDocument::parse("[9223372036854775807,9223372036854775808,18446744073709551616,1e3]");
  REQUIRE(document.ok());
  CHECK(document->root().at(0).integer() == INT64_MAX);
  CHECK_FALSE(document->root().at(1).integer().has_value());
  CHECK_FALSE(document->root().at(2).integer().has_value());
  CHECK_FALSE(document->root().at(3).integer().has_value());
}

TEST_CASE("json_value: what is not JSON is an error") {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":}", "nul", "<html></html>", "{}x", "'a'",
                           "\"\xff\"", "[1e999]", "{\"a\":1", "\"\\", "\xef\xbb\xbf"}) {
    CAPTURE(text);
    CHECK_FALSE(parses(text));
  }
  CHECK_FALSE(parses(std::string("{}\0", 3)));
}

TEST_CASE("json_value: depth is bounded, brackets inside texts do not count") {
  const size_t most = JsonDocument::kDepthMax;
  CHECK(parses(repeated("[", most) + repeated("]", most)));
  CHECK_FALSE(parses(repeated("[", most + 1) + repeated("]", most + 1)));
  CHECK_FALSE(parses(repeated("{\"a\":", 1'000'000)));
  CHECK(parses("\"" + repeated("[", 100) + "\\\"" + repeated("[", 100) + "\""));
}

TEST_CASE("json_value: the number of values is bounded") {
  CHECK(parses("[1" + repeated(",1", 1000) + "]"));
  CHECK_FALSE(parses("[1" + repeated(",1", JsonDocument::kValuesMax) + "]"));
  CHECK_FALSE(parses("[[]" + repeated(",[]", JsonDocument::kValuesMax / 2) + "]"));
}

}  // namespace kite::aws
