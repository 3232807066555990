#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sys/clock.h"

namespace kite::aws {

/// The three ways AWS writes a moment. All UTC, all pure.

/// "20260102T030405Z", for X-Amz-Date. Times outside the years 0 to 9999 give the nearest of them.
std::string amz_timestamp(sys::WallTime time);

/// "Fri, 02 Jan 2026 03:04:05 GMT", the Date header; other forms of HTTP dates give nothing: AWS
/// does not send them. Source: RFC 9110 section 5.6.7, IMF-fixdate.
std::optional<sys::WallTime> parse_http_date(std::string_view text);

/// "2026-01-02T09:04:05Z", with or without a fraction of a second, as `Expiration` is written.
std::optional<sys::WallTime> parse_iso_timestamp(std::string_view text);

}  // namespace kite::aws
