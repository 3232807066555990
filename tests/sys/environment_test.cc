#include "sys/environment.h"

#include <doctest/doctest.h>
#include <stdlib.h>

namespace kite::sys {

TEST_CASE("environment: unset, empty and set variables differ") {
  const Environment environment({{"EMPTY", ""}, {"SET", "x=y"}});
  CHECK_FALSE(environment.get("UNSET").has_value());
  CHECK(environment.get("EMPTY") == "");
  CHECK_FALSE(environment.get_non_empty("EMPTY").has_value());
  CHECK(environment.get("SET") == "x=y");
  CHECK(environment.get_non_empty("SET") == "x=y");
}

TEST_CASE("environment: only \"true\", in any case, is true") {
  const Environment environment(
      {{"LOWER", "true"}, {"MIXED", "TrUe"}, {"ONE", "1"}, {"SPACED", "true "}, {"EMPTY", ""}});
  CHECK(environment.is_true("LOWER"));
  CHECK(environment.is_true("MIXED"));
  for (const char* name : {"ONE", "SPACED", "EMPTY", "UNSET"}) {
    CAPTURE(name);
    CHECK_FALSE(environment.is_true(name));
  }
}

TEST_CASE("environment: the process's variables are copied, later changes are not seen") {
  REQUIRE(::setenv("KITE_ENVIRONMENT_TEST", "before", 1) == 0);
  const Environment environment = Environment::of_process();
  REQUIRE(::setenv("KITE_ENVIRONMENT_TEST", "after", 1) == 0);
  CHECK(environment.get("KITE_ENVIRONMENT_TEST") == "before");
  REQUIRE(::unsetenv("KITE_ENVIRONMENT_TEST") == 0);
}

}  // namespace kite::sys
