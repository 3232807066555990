#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>

#include "cli/config.h"

namespace kite::cli {

using std::chrono::milliseconds;

namespace {

sys::Result<Invocation> parse(const std::string& flag) {
  const std::string args[] = {"-name=app", "-service=orders", flag};
  return parse_command_line(args, sys::Environment(sys::Environment::Variables{}));
}

Config accepted(const std::string& flag) {
  const auto invocation = parse(flag);
  REQUIRE(invocation.ok());
  return std::get<Config>(invocation.value());
}

std::string refused(const std::string& flag) {
  const auto invocation = parse(flag);
  return invocation.ok() ? "(accepted)" : invocation.error().message;
}

}  // namespace

TEST_CASE("balancing flags: ways to balance") {
  const std::pair<std::string, Balance> ways[] = {{"random", Balance::random},
                                                  {"roundrobin", Balance::roundrobin},
                                                  {"leastconn", Balance::leastconn},
                                                  {"p2c", Balance::p2c}};
  for (const auto& [way, balance] : ways) {
    CHECK(accepted("-balance=" + way).targets.front().balance == balance);
  }
  for (const std::string way : {"", "round-robin", "Random", "fastest"}) {
    CHECK(refused("-balance=" + way) ==
          "-balance is \"" + way +
              "\": give random, roundrobin, leastconn or p2c, such as -balance=p2c");
  }
}

TEST_CASE("balancing flags: slow start and ejection") {
  CHECK(accepted("-slow-start=1h").slow_start == milliseconds(3'600'000));
  CHECK(accepted("-slow-start=0s").slow_start == milliseconds(0));
  CHECK(refused("-slow-start=2h").starts_with("-slow-start is \"2h\": give a duration from 0"));
  CHECK(accepted("-eject-after=0").eject_after == 0);
  CHECK(accepted("-eject-after=1000").eject_after == 1000);
  for (const std::string text : {"", "1001", "-1", "3s"}) {
    CHECK(refused("-eject-after=" + text) ==
          "-eject-after is \"" + text +
              "\": give a number of failures from 1 to 1000, or 0 for never, such as "
              "-eject-after=3");
  }
}

}  // namespace kite::cli
