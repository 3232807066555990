#include "sys/result.h"

#include <doctest/doctest.h>

#include <csignal>
#include <memory>
#include <string>

#include "tests/support/death.h"

namespace kite::sys {

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{std::to_string(number) + " is odd: give an even number"};
  return number / 2;
}

struct Refusal {
  int code = 0;
};

}  // namespace

TEST_CASE("result: holds the value or the reason, never both") {
  const auto good = half(8);
  CHECK(good.ok());
  CHECK(static_cast<bool>(good));
  CHECK(good.value() == 4);
  const auto bad = half(7);
  CHECK_FALSE(bad.ok());
  CHECK_FALSE(static_cast<bool>(bad));
  CHECK(bad.error().message == "7 is odd: give an even number");
}

TEST_CASE("result: carries values that can only be moved, and errors of any type") {
  Result<std::unique_ptr<int>, Refusal> good(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = std::move(good.value());
  CHECK(*taken == 5);
  const Result<std::unique_ptr<int>, Refusal> bad(Refusal{7});
  CHECK(bad.error().code == 7);
}

TEST_CASE("result: reads like a pointer to its value") {
  Result<std::string> text(std::string("kite"));
  CHECK(text->size() == 4);
  *text += "s";
  CHECK(*text == "kites");
}

TEST_CASE("result: asking for the absent half is a bug and aborts") {
  CHECK(testing::signal_that_ends([] { static_cast<void>(half(7).value()); }) == SIGABRT);
  CHECK(testing::signal_that_ends([] { static_cast<void>(half(8).error()); }) == SIGABRT);
  CHECK(testing::signal_that_ends([] { static_cast<void>(half(8).value()); }) == 0);
}

TEST_CASE("check: is on in every build and evaluates its condition once") {
  int evaluations = 0;
  KITE_CHECK(++evaluations == 1, "counted");
  CHECK(evaluations == 1);
  CHECK(testing::signal_that_ends([] { KITE_CHECK(false, "always"); }) == SIGABRT);
}

}  // namespace kite::sys
