#include "admin/human_text.h"

#include <doctest/doctest.h>

#include <chrono>

namespace kite::admin {

TEST_CASE("human text: thousands are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(1'234'567) == "1,234,567");
}

TEST_CASE("human text: bytes have two or three digits and a unit") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(1'000) == "1.0 kB");
  CHECK(bytes_text(1'234) == "1.2 kB");
  CHECK(bytes_text(12'345) == "12 kB");
  CHECK(bytes_text(999'999) == "999 kB");
  CHECK(bytes_text(9'876'543'210) == "9.8 GB");
  CHECK(bytes_text(UINT64_MAX) == "1844 PB");
}

TEST_CASE("human text: durations name what matters of them") {
  using namespace std::chrono_literals;
  CHECK(duration_text(-3s) == "0.0 ms");
  CHECK(duration_text(340us) == "0.3 ms");
  CHECK(duration_text(340ms) == "340 ms");
  CHECK(duration_text(4'200ms) == "4.2 s");
  CHECK(duration_text(12'900ms) == "12 s");
  CHECK(duration_text(119s) == "119 s");
  CHECK(duration_text(5min + 7s) == "5 min");
  CHECK(duration_text(3h + 5min) == "3 h 5 min");
  CHECK(duration_text(52h) == "2 d 4 h");
}

}  // namespace kite::admin
