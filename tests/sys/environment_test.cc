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

TEST_CASE("environment: the process's variables are copied, later changes are not seen") {
  REQUIRE(::setenv("KITE_ENVIRONMENT_TEST", "before", 1) == 0);
  const Environment environment = Environment::of_process();
  REQUIRE(::setenv("KITE_ENVIRONMENT_TEST", "after", 1) == 0);
  CHECK(environment.get("KITE_ENVIRONMENT_TEST") == "before");
  REQUIRE(::unsetenv("KITE_ENVIRONMENT_TEST") == 0);
}

}  // namespace kite::sys
