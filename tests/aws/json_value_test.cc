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

constexpr std::string_view kNames[] = {"a", "b", "s", "i", "f", "n", "l", "o"};

bool parses(const std::string& text) {
  return JsonDocument::parse(text, kNames).ok();
}

JsonValue item(JsonValue list, size_t index) {
  for (const JsonValue value : list) {
    if (index-- == 0) return value;
  }
  return {};
}

size_t count(JsonValue list) {
  size_t items = 0;
  for ([[maybe_unused]] const JsonValue value : list) ++items;
  return items;
}

}  // namespace

TEST_CASE("json_value: what is there is read") {
  const auto document = JsonDocument::parse(R"({"a":{"b":[1,"x",true,-7]},"n":null})", kNames);
  REQUIRE(document.ok());
  const JsonValue list = document->root().member("a").member("b");
  CHECK(count(list) == 4);
  CHECK(item(list, 0).integer() == 1);
  CHECK(item(list, 1).text() == "x");
  CHECK(item(list, 2).truth());
  CHECK(item(list, 3).integer() == -7);
  CHECK(document->root().member("n").is_nothing());
}

TEST_CASE("json_value: absent, null and wrong types read as empty") {
  const auto document =
      JsonDocument::parse(R"({"s":"x","i":5,"f":80.0,"n":null,"l":[],"o":{}})", kNames);
  REQUIRE(document.ok());
  const JsonValue root = document->root();
  for (const char* name : {"absent", "n", "i", "f", "l", "o"}) {
    CHECK(root.member(name).text().empty());
  }
  for (const char* name : {"absent", "n", "s", "f", "l", "o"}) {
    CHECK_FALSE(root.member(name).integer().has_value());
  }
  for (const char* name : {"absent", "n", "s", "i", "o", "l"}) {
    CHECK(count(root.member(name)) == 0);
    CHECK(root.member(name).first().is_nothing());
    CHECK(root.member(name).member("x").is_nothing());
    CHECK_FALSE(root.member(name).truth());
  }
  CHECK(JsonValue().first().member("x").text().empty());
}

TEST_CASE("json_value: integers that do not fit are no integers") {
  const auto document =
      JsonDocument::parse("[9223372036854775807,9223372036854775808,18446744073709551616,1e3]", {});
  REQUIRE(document.ok());
  CHECK(item(document->root(), 0).integer() == INT64_MAX);
  CHECK_FALSE(item(document->root(), 1).integer().has_value());
  CHECK_FALSE(item(document->root(), 2).integer().has_value());
  CHECK_FALSE(item(document->root(), 3).integer().has_value());
}

TEST_CASE("json_value: what is not JSON is an error") {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":}",
                           "nul",
                           "<html></html>",
                           "{}x",
                           "'a'",
                           "\"\xff\"",
                           "[1e999]",
                           "{\"a\":1",
                           "{\"a\" 1}",
                           "{\"a\":\"",
                           "{\"a\":\"\\",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"b\".5}",
                           "{\"a\":\"b\"e5}",
                           "{\"a\":\"b\"5}",
                           "\"\\",
                           "\xef\xbb\xbf"}) {
    CAPTURE(text);
    CHECK_FALSE(parses(text));
  }
  CHECK_FALSE(parses(std::string("{}\0", 3)));
}

TEST_CASE("json_value: members that are not wanted are stepped over, whatever they hold") {
  for (const char* foreign :
       {"1", "-1.5e3", "null", "\"text\"", "\"\\\"}\\\\\"", "[]", "{}", " [ 1 , { \"a\" : 2 } ] ",
        "{\"a\":3,\"x\":[{},\"]}\"]}", "\"\xff\""}) {
    CAPTURE(foreign);
    const std::string text = std::string("{\"x\":") + foreign + ",\"a\":4,\"y\" :\n" + foreign +
                             ",\t\"z\": " + foreign + ",\"\\u0062\":\"5\",\"x\":" + foreign + "}";
    const auto document = JsonDocument::parse(text, kNames);
    REQUIRE(document.ok());
    CHECK(document->root().member("a").integer() == 4);
    CHECK(document->root().member("b").text() == "5");
    CHECK(document->root().member("x").is_nothing());
  }
}

TEST_CASE("json_value: a member that is not wanted still has to end") {
  for (const char* text :
       {"{\"x\"}", "{\"x\":}", "{\"x\":,\"a\":1}", "{\"x\" 1}", "{\"x\":1", "{\"x\":[1",
        "{\"x\":[1,2}", "{\"x\":\"", "{\"x\":\"\\", "{\"x\":{\"a\":1}", "{\"x\":1]", "{\"x\":1,}",
        "{\"x\":1,\"y\"", "{\"x\":1,\"y\":}", "{\"x\":1,,\"a\":1}", "{\"x\":1}}"}) {
    CAPTURE(text);
    CHECK_FALSE(parses(text));
  }
}

TEST_CASE("json_value: texts mean what RFC 8259 says, escaped or not") {
  const auto document = JsonDocument::parse(
      R"({"a":"plain ~","b" : "q\"\\\u00e9\n","s":"\u0000","l":["é","\/"]})", kNames);
  REQUIRE(document.ok());
  const JsonValue root = document->root();
  CHECK(root.member("a").text() == "plain ~");
  CHECK(root.member("b").text() == "q\"\\\xc3\xa9\n");
  CHECK(root.member("s").text() == std::string(1, '\0'));
  CHECK(item(root.member("l"), 0).text() == "\xc3\xa9");
  CHECK(item(root.member("l"), 1).text() == "/");
}

TEST_CASE("json_value: lists of texts are read like any list, and end like one") {
  const auto document =
      JsonDocument::parse(R"({"l":["x" , "y","\u0041",1,"z",["v","w"],"t"],"a":["one"]})", kNames);
  REQUIRE(document.ok());
  const JsonValue list = document->root().member("l");
  REQUIRE(count(list) == 7);
  const std::string texts[] = {"x", "y", "A", "", "z", "", "t"};
  for (size_t i = 0; i < 7; ++i) CHECK(item(list, i).text() == texts[i]);
  CHECK(item(item(list, 5), 1).text() == "w");
  CHECK(item(document->root().member("a"), 0).text() == "one");
  for (const char* broken : {R"({"l":["x","y",]})", R"({"l":["x","y"})", R"({"l":["x","y)",
                             R"({"l":["x","y"]])", R"({"l":["x" "y"]})", R"({"l":["x",,"y"]})"}) {
    CHECK_FALSE(parses(broken));
  }
}

TEST_CASE("json_value: members are read whatever stands between them") {
  const auto document = JsonDocument::parse(
      R"({"a":"1","u":[{"b":"no"}],"b":"2","s":{"n":"4"},"x":1,"i":7 , "n" : "5","y":"","l":"6"})",
      kNames);
  REQUIRE(document.ok());
  const JsonValue root = document->root();
  CHECK(root.member("a").text() == "1");
  CHECK(root.member("b").text() == "2");
  CHECK(root.member("s").member("n").text() == "4");
  CHECK(root.member("i").integer() == 7);
  CHECK(root.member("n").text() == "5");
  CHECK(root.member("l").text() == "6");
  for (const char* broken :
       {R"({"a":"1" "b":"2"})", R"({"a":"1","b" "2"})", R"({"a":"1",})",
        R"({"a":"1","u":,"b":"2"})", R"({"a":"1","b":"2")", R"({"a":"1","b":)"}) {
    CHECK_FALSE(parses(broken));
  }
}

TEST_CASE("json_value: of several members of one name the last counts") {
  const auto document = JsonDocument::parse(R"({"a":"x","b":1,"a":["y"],"a":2})", kNames);
  REQUIRE(document.ok());
  CHECK(document->root().member("a").integer() == 2);
}

TEST_CASE("json_value: items of the root's lists are handed over one by one") {
  std::string seen;
  const auto note = [&](std::string_view list, JsonValue value) {
    seen += std::string(list) + ":" + std::string(value.text()) +
            std::string(value.member("s").text()) + std::string(value.first().text()) + " ";
  };
  const auto document = JsonDocument::parse(
      R"({"l":["t",{"x":0,"s":"u","l":["no"]},["v"],5],"o":{"l":["no"]},"b":[],"n":"rest"})",
      kNames, note);
  REQUIRE(document.ok());
  CHECK(seen == "l:t l:u l:v l: ");
  CHECK(document->root().member("l").is_array());
  CHECK(count(document->root().member("l")) == 0);
  CHECK(document->root().member("b").is_array());
  CHECK(count(document->root().member("o").member("l")) == 1);
  CHECK(document->root().member("n").text() == "rest");

  seen.clear();
  CHECK(JsonDocument::parse(R"([["a"],{"l":["b"]}])", kNames, note).ok());
  CHECK(seen.empty());
}

TEST_CASE("json_value: depth is bounded, brackets inside texts do not count") {
  const size_t most = JsonDocument::kDepthMax;
  CHECK(parses(repeated("[", most) + repeated("]", most)));
  CHECK_FALSE(parses(repeated("[", most + 1) + repeated("]", most + 1)));
  CHECK_FALSE(parses(repeated("{\"a\":", 1'000'000)));
  CHECK_FALSE(parses(repeated("{\"x\":", 1'000'000)));
  CHECK(parses("{\"x\":" + repeated("[", most - 1) + repeated("]", most - 1) + "}"));
  CHECK_FALSE(parses("{\"x\":" + repeated("[", most) + repeated("]", most) + "}"));
  CHECK(parses("\"" + repeated("[", 100) + "\\\"" + repeated("[", 100) + "\""));
}

TEST_CASE("json_value: the number of values is bounded") {
  CHECK(parses("[1" + repeated(",1", 1000) + "]"));
  CHECK_FALSE(parses("[1" + repeated(",1", JsonDocument::kValuesMax) + "]"));
  CHECK_FALSE(parses("[[]" + repeated(",[]", JsonDocument::kValuesMax) + "]"));
}

}  // namespace kite::aws
