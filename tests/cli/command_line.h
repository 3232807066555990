#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "cli/config.h"

namespace kite::cli {

using Args = std::vector<std::string>;
using std::chrono::milliseconds;

inline sys::Result<Invocation> parse(const Args& args, sys::Environment::Variables variables = {}) {
  return parse_command_line(args, sys::Environment(std::move(variables)));
}

/// Parses `extra` behind a minimal valid command line, which must be accepted.
inline Config accepted(const Args& extra) {
  Args args = {"-name=app", "-service=orders"};
  args.insert(args.end(), extra.begin(), extra.end());
  auto invocation = parse(args);
  INFO(std::string(invocation.ok() ? "" : invocation.error().message));
  REQUIRE(invocation.ok());
  REQUIRE(std::holds_alternative<Config>(invocation.value()));
  return std::get<Config>(invocation.value());
}

inline std::string error_of(const Args& args, sys::Environment::Variables variables = {}) {
  const auto invocation = parse(args, std::move(variables));
  return invocation.ok() ? "(accepted)" : invocation.error().message;
}

/// The same with the minimal command line in front.
inline std::string refused(const std::string& extra) {
  return error_of({"-name=app", "-service=orders", extra});
}

}  // namespace kite::cli
