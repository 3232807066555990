#include "aws/timestamp.h"

#include <doctest/doctest.h>

namespace kite::aws {
namespace {

using std::chrono::sys_days;
using namespace std::chrono_literals;

const sys::WallTime kTime = sys_days(std::chrono::year(2026) / 1 / 2) + 3h + 4min + 5s;

}  // namespace

TEST_CASE("timestamp: the signing form cuts off fractions and is bounded") {
  CHECK(amz_timestamp(kTime) == "20260102T030405Z");
  CHECK(amz_timestamp(kTime + 999ms) == "20260102T030405Z");
  CHECK(amz_timestamp(sys::WallTime(0ms)) == "19700101T000000Z");
  CHECK(amz_timestamp(sys::WallTime(-1ms)) == "19691231T235959Z");
  CHECK(amz_timestamp(sys_days(std::chrono::year(2024) / 2 / 29)) == "20240229T000000Z");
  CHECK(amz_timestamp(sys::WallTime::max()) == "99991231T235959Z");
  CHECK(amz_timestamp(sys::WallTime::min()) == "00000101T000000Z");
}

TEST_CASE("timestamp: HTTP dates are read in the one form servers send") {
  CHECK(parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT") == kTime);
  CHECK(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT") ==
        sys::WallTime(sys_days(std::chrono::year(2024) / 2 / 29)));
  for (const char* text : {"", "Fri, 02 Jan 2026 03:04:05 UTC", "Fri, 2 Jan 2026 03:04:05 GMT",
                           "Friday, 02-Jan-26 03:04:05 GMT", "Fri Jan  2 03:04:05 2026",
                           "Fri, 02 anF 2026 03:04:05 GMT", "Thu, 29 Feb 2026 00:00:00 GMT",
                           "Fri, 02 Jan 2026 24:04:05 GMT", "Fri, 02 Jan 2026 03:60:05 GMT",
                           "Fri, 02 Jan 2026 03:04:61 GMT", "Fri, -2 Jan 2026 03:04:05 GMT",
                           "Fri, 02-Jan-2026 03:04:05 GMT"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}

TEST_CASE("timestamp: expirations are ISO 8601 in UTC") {
  CHECK(parse_iso_timestamp("2026-01-02T03:04:05Z") == kTime);
  CHECK(parse_iso_timestamp("2026-01-02T03:04:05.123456Z") == kTime);
  for (const char* text :
       {"", "2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00", "2026-13-02T03:04:05Z",
        "2026-01-02T03:04:05.Z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05.1x3Z",
        "20260102T030405Z", "2026-00-10T00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_iso_timestamp(text).has_value());
  }
}

}  // namespace kite::aws
