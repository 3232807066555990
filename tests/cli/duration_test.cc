#include "cli/duration.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace kite::cli {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST_CASE("duration: reads what Go reads") {
  struct Row {
    std::string text;
    nanoseconds expected;
  };
  for (const Row& row : {Row{"0", nanoseconds(0)},
                         Row{"+0", nanoseconds(0)},
                         Row{"-0", nanoseconds(0)},
                         Row{"0s", nanoseconds(0)},
                         Row{"250ms", milliseconds(250)},
                         Row{"5s", seconds(5)},
                         Row{"005s", seconds(5)},
                         Row{"+5s", seconds(5)},
                         Row{"-5s", seconds(-5)},
                         Row{"1m30s", seconds(90)},
                         Row{"1.5h", minutes(90)},
                         Row{"1h2m3s4ms5us6ns", hours(1) + minutes(2) + seconds(3) +
                                                    milliseconds(4) + nanoseconds(5006)},
                         Row{"30s1m", seconds(90)},
                         Row{".5s", milliseconds(500)},
                         Row{"5.s", seconds(5)},
                         Row{"1.s2.5s", milliseconds(3500)},
                         Row{"0.000000001s", nanoseconds(1)},
                         Row{"0.0000000001s", nanoseconds(0)},
                         Row{"0.3333333333333333333h", nanoseconds(1'199'999'999'999)},
                         Row{"10ns", nanoseconds(10)},
                         Row{"10us", nanoseconds(10'000)},
                         Row{"10\xC2\xB5s", nanoseconds(10'000)},
                         Row{"10\xCE\xBCs", nanoseconds(10'000)},
                         Row{"9223372036854775807ns", nanoseconds(INT64_MAX)}}) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.has_value());
    CHECK(*parsed == row.expected);
  }
}

TEST_CASE("duration: refuses what Go refuses") {
  for (const std::string text : {"",
                                 "+",
                                 "-",
                                 "s",
                                 ".",
                                 ".s",
                                 "-.s",
                                 "5",
                                 "1.5",
                                 "5 s",
                                 " 5s",
                                 "5s ",
                                 "5S",
                                 "5x",
                                 "5sec",
                                 "1m30",
                                 "1e3s",
                                 "0x5s",
                                 "--5s",
                                 "5s-20s",
                                 "1d",
                                 "5\xC2s",
                                 "10000000000000000000ns",
                                 "9223372036854775808ns",
                                 "2562048h",
                                 "9223372036854775807ns1ns",
                                 "1h-5m",
                                 "0 ",
                                 "00"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("duration: text says exactly what was read") {
  CHECK(duration_text(milliseconds(0)) == "0s");
  CHECK(duration_text(milliseconds(250)) == "250ms");
  CHECK(duration_text(milliseconds(1000)) == "1s");
  CHECK(duration_text(milliseconds(90'000)) == "1m30s");
  CHECK(duration_text(milliseconds(3'600'000)) == "1h");
  CHECK(duration_text(milliseconds(3'661'001)) == "1h1m1s1ms");
  CHECK(duration_text(milliseconds(-1500)) == "-1s500ms");
  for (int64_t ms = 1; ms < 100'000'000; ms = ms * 3 + 1) {
    CAPTURE(ms);
    CHECK(parse_duration(duration_text(milliseconds(ms))) == nanoseconds(milliseconds(ms)));
  }
}

}  // namespace kite::cli
