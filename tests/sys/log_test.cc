#include "sys/log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sys/random.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"

namespace kite::sys {

namespace {

using nlohmann::json;
using testing::KeptLines;

constexpr WallTime kNoon =
    WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 2)) + std::chrono::hours(12);

std::string text_line(std::initializer_list<LogField> fields, uint64_t suppressed = 0) {
  return render_log_line(LogFormat::text, kNoon, LogLevel::info, "tested", fields, suppressed);
}
std::string json_line(std::initializer_list<LogField> fields, uint64_t suppressed = 0) {
  return render_log_line(LogFormat::json, kNoon, LogLevel::info, "tested", fields, suppressed);
}
/// What stands behind "value=" in the text form.
std::string text_value(std::string_view value) {
  const std::string line = text_line({{"value", value}});
  return line.substr(line.find("value=") + 6);
}

std::string random_bytes(SeededRandom& random) {
  std::string bytes(random.below(40), '\0');
  for (char& byte : bytes) {
    // Half of them from the bytes that begin, continue or spoil UTF-8 and quoting.
    static constexpr std::string_view kTricky =
        "\"\\\n\x7F\x80\xBF\xC0\xC2\xE0\xED\xF0\xF4\xF5\xFF";
    byte = random.below(2) == 0 ? static_cast<char>(random.below(256))
                                : kTricky[random.below(static_cast<uint32_t>(kTricky.size()))];
  }
  return bytes;
}

std::string without_marks(std::string text) {
  constexpr std::string_view kMark = "\xEF\xBF\xBD";
  for (size_t at = 0; (at = text.find(kMark, at)) != std::string::npos;) text.erase(at, 3);
  return text;
}

}  // namespace

TEST_CASE("log: a text line is key=value pairs") {
  CHECK(text_line({}) == "time=2026-01-02T12:00:00.000Z level=info event=tested");
  CHECK(text_line({{"client", "10.0.0.7:51234"}, {"in_bytes", 901}, {"delta", -3}}) ==
        "time=2026-01-02T12:00:00.000Z level=info event=tested client=10.0.0.7:51234 in_bytes=901 "
        "delta=-3");
}

TEST_CASE("log: a JSON line is one object, numbers as numbers") {
  CHECK(json_line({{"client", "10.0.0.7:51234"}, {"in_bytes", 901}}) ==
        R"({"time":"2026-01-02T12:00:00.000Z","level":"info","event":"tested",)"
        R"("client":"10.0.0.7:51234","in_bytes":901})");
  const json line = json::parse(json_line({{"most", UINT64_MAX}, {"least", INT64_MIN}}, 7));
  CHECK(line["most"] == UINT64_MAX);
  CHECK(line["least"] == INT64_MIN);
  CHECK(line["suppressed_lines"] == 7);
}

TEST_CASE("log: text quotes what a reader could take for something else") {
  CHECK(text_value("plain-1.2:3/4[5]") == "plain-1.2:3/4[5]");
  CHECK(text_value("") == "\"\"");
  CHECK(text_value("two words") == "\"two words\"");
  CHECK(text_value("a=b") == "\"a=b\"");
  CHECK(text_value("say \"hi\"") == "\"say \\\"hi\\\"\"");
  CHECK(text_value("back\\slash") == "\"back\\\\slash\"");
  CHECK(text_value("a\nlevel=error event=forged") == "\"a\\nlevel=error event=forged\"");
  CHECK(text_value("\x1b[2J") == "\"\\u001b[2J\"");
  CHECK(text_value("\x7f") == "\"\\u007f\"");
  CHECK(text_value("\xC3\xA4") == "\"\xC3\xA4\"");
  CHECK(text_value(std::string_view("a\0b", 3)) == "\"a\\u0000b\"");
}

TEST_CASE("log: bytes that are not UTF-8 are replaced one by one") {
  const std::string mark = "\xEF\xBF\xBD";
  const auto shown = [](std::string_view value) {
    const std::string quoted = text_value(value);
    return quoted.substr(1, quoted.size() - 2);
  };
  for (const std::string good :
       {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(shown(good) == good);
  }
  CHECK(shown("\x80") == mark);
  CHECK(shown("\xFF") == mark);
  CHECK(shown("a\xC3") == "a" + mark);                            // cut short
  CHECK(shown("\xC0\xAF") == mark + mark);                        // overlong '/'
  CHECK(shown("\xE0\x80\xAF") == mark + mark + mark);             // overlong
  CHECK(shown("\xED\xA0\x80") == mark + mark + mark);             // a surrogate
  CHECK(shown("\xF4\x90\x80\x80") == mark + mark + mark + mark);  // past U+10FFFF
  CHECK(shown("\xE2\x82x") == mark + mark + "x");
}

TEST_CASE("log: whatever the bytes, JSON parses back and text stays one line") {
  SeededRandom random(11);
  for (int round = 0; round < 3000; ++round) {
    const std::string bytes = random_bytes(random);
    CAPTURE(round);
    const json line = json::parse(json_line({{"value", bytes}}), nullptr, false);
    REQUIRE_FALSE(line.is_discarded());
    // The library drops bad bytes where we mark them; otherwise both must hold the same text.
    const std::string dropped = json(bytes).dump(-1, ' ', false, json::error_handler_t::ignore);
    CHECK(without_marks(line["value"]) == without_marks(json::parse(dropped)));
    const std::string text = text_line({{"value", bytes}});
    CHECK(std::none_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
  }
}

TEST_CASE("log: every level has its name in a line") {
  const std::vector<std::string> names = {"panic", "fatal", "error", "warn", "info", "debug"};
  for (size_t i = 0; i < names.size(); ++i) {
    const auto level = parse_log_level(names[i]);
    REQUIRE(level.ok());
    CHECK(level.value() == static_cast<LogLevel>(i));
    const std::string line = render_log_line(LogFormat::text, kNoon, level.value(), "x", {}, 0);
    CHECK(line.find(" level=" + names[i] + " ") != std::string::npos);
  }
  CHECK(parse_log_level("warning").value() == LogLevel::warn);
  for (const std::string name : {"", "Info", "trace", "infos"})
    CHECK_FALSE(parse_log_level(name).ok());
  CHECK(parse_log_format("text").value() == LogFormat::text);
  CHECK(parse_log_format("json").value() == LogFormat::json);
  CHECK_FALSE(parse_log_format("xml").ok());
}

TEST_CASE("log: lines above the level are not written and do not count") {
  testing::ManualClock clock;
  KeptLines sink;
  Logger logger(clock, sink, {.level = LogLevel::warn, .lines_per_second_max = 2});
  for (int i = 0; i < 10; ++i) logger.info("chatter", {});
  logger.debug("chatter", {});
  logger.warn("look", {});
  logger.error("lost", {});
  REQUIRE(sink.lines.size() == 2);
  CHECK(sink.lines[0].find("level=warn event=look\n") != std::string::npos);
  CHECK(sink.lines[1].find("level=error event=lost\n") != std::string::npos);
  CHECK(logger.enabled(LogLevel::error));
  CHECK_FALSE(logger.enabled(LogLevel::info));
  CHECK(logger.suppressed_total() == 0);

  Logger silent(clock, sink, {.level = LogLevel::panic});
  silent.error("lost", {});
  CHECK(sink.lines.size() == 2);
}

TEST_CASE("log: lines of an access log know neither level nor limit, and count what is lost") {
  testing::ManualClock clock;
  struct FullSink final : LogSink {
    bool write_line(std::string_view line) override {
      if (!full) lines.emplace_back(line);
      return !full;
    }
    bool full = false;
    std::vector<std::string> lines;
  } sink;
  Logger logger(clock, sink, {.level = LogLevel::error, .lines_per_second_max = 1});
  for (int i = 0; i < 500; ++i) logger.access("connection", {{"cx", i}});
  CHECK(sink.lines.size() == 500);
  CHECK(sink.lines[499].find(" level=info event=connection cx=499\n") != std::string::npos);
  logger.error("lost", {});  // they have not used up what other lines may take
  CHECK(sink.lines.size() == 501);
  sink.full = true;
  for (int i = 0; i < 7; ++i) logger.access("connection", {});
  sink.full = false;
  logger.access("connection", {});
  logger.access("connection", {});
  REQUIRE(sink.lines.size() == 503);
  CHECK(sink.lines[501].ends_with("event=connection suppressed_lines=7\n"));
  CHECK(sink.lines[502].ends_with("event=connection\n"));
  CHECK(logger.access_lines_dropped_total() == 7);
  CHECK(logger.suppressed_total() == 0);
}

TEST_CASE("log: past the limit lines are counted, and the next one says how many") {
  testing::ManualClock clock;
  KeptLines sink;
  Logger logger(clock, sink, {.lines_per_second_max = 3});
  for (int i = 0; i < 10; ++i) logger.info("storm", {{"i", i}});
  CHECK(sink.lines.size() == 3);
  CHECK(logger.suppressed_total() == 7);
  clock.advance(std::chrono::milliseconds(999));
  logger.info("storm", {});
  CHECK(sink.lines.size() == 3);
  clock.advance(std::chrono::milliseconds(1));
  logger.info("calm", {});
  logger.info("calm", {});
  REQUIRE(sink.lines.size() == 5);
  CHECK(sink.lines[3].ends_with("event=calm suppressed_lines=8\n"));
  CHECK(sink.lines[4].ends_with("event=calm\n"));
  CHECK(logger.suppressed_total() == 8);
}

TEST_CASE("log: lines carry the wall clock's time") {
  testing::ManualClock clock;
  KeptLines sink;
  Logger logger(clock, sink, {.format = LogFormat::json});
  clock.set_wall(kNoon + std::chrono::milliseconds(34'567));
  logger.info("tested", {});
  CHECK(json::parse(sink.lines.at(0))["time"] == "2026-01-02T12:00:34.567Z");
  clock.set_wall(WallTime(std::chrono::sys_days(std::chrono::year(2028) / 2 / 29)) -
                 std::chrono::milliseconds(1));
  logger.info("tested", {});
  CHECK(json::parse(sink.lines.at(1))["time"] == "2028-02-28T23:59:59.999Z");
}

}  // namespace kite::sys
