#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "cli/config.h"
#include "cli/flags.h"
#include "sys/result.h"

namespace kite::cli {

/// The steps from what was written to a Config. Each reads the flags of one topic and returns what
/// is wrong with them, if anything. All pure.
using Problem = std::optional<sys::Error>;

/// One target from flags that speak of it alone.
Problem read_target(const RawFlags& raw, TargetConfig& target);
/// The target of -name and those of -target, into config.targets; and that they can live together.
Problem read_targets(const RawFlags& raw, Config& config);
/// How connections are made.
Problem read_connections(const RawFlags& raw, Config& config);
/// How long and how many connections may be there, and what becomes of them.
Problem read_limits(const RawFlags& raw, Config& config);
/// Which backends are preferred and which avoided.
Problem read_balancing(const RawFlags& raw, Config& config);
/// How AWS is asked.
Problem read_discovery(const RawFlags& raw, Config& config);
/// What only commands other than run read.
Problem read_commands(const RawFlags& raw, Config& config);
Problem read_logging(const RawFlags& raw, Config& config);
/// What concerns the process itself.
Problem read_program(const RawFlags& raw, Config& config);
/// Where operators look.
Problem read_admin(const RawFlags& raw, Config& config);

/// "-port is "x": ", to be followed by what is wrong and what to write.
sys::Error wrong(const RawValue& value, const std::string& problem);
/// "-name is empty: ", to be followed by what to give.
sys::Error empty(const RawValue& value, const std::string& remedy);
/// "such as -port=8080".
std::string such_as(const RawValue& value, std::string_view example);

/// What a duration must lie between, and a fitting example.
struct DurationRule {
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
  const char* example;
};
/// Reads `text`, which is `value` or a part of it.
Problem read_duration(const RawValue& value, std::string_view text, const DurationRule& rule,
                      std::chrono::milliseconds& out);

}  // namespace kite::cli
