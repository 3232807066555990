#include "discovery/target.h"

#include <doctest/doctest.h>

namespace kite::discovery {

TEST_CASE("target: a task definition ARN is taken apart by its parts") {
  const auto name =
      parse_definition_arn("arn:aws-cn:ecs:cn-north-1:111122223333:task-definition/my-web_2:12");
  REQUIRE(name.has_value());
  CHECK(name->family == "my-web_2");
  CHECK(name->revision == 12);
}

TEST_CASE("target: what is not a task definition ARN has no name") {
  for (const char* text :
       {"", "web:7", "arn:aws:ecs:r:1:task-definition/web", "arn:aws:ecs:r:1:task-definition/:7",
        "arn:aws:ecs:r:1:task-definition/web:", "arn:aws:ecs:r:1:task-definition/web:7x",
        "arn:aws:ecs:r:1:task-definition/web:-7", "arn:aws:ecs:r:1:task-definition/web:4294967296",
        "arn:aws:ecs:r:1:task/web:7", "x:task-definition/web:7"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_definition_arn(text).has_value());
  }
}

TEST_CASE("target: an id is the last part of both ARN forms") {
  CHECK(arn_id("arn:aws:ecs:r:1:task/prod/0f9d") == "0f9d");
  CHECK(arn_id("arn:aws:ecs:r:1:task/0f9d") == "0f9d");
  CHECK(arn_id("0f9d") == "0f9d");
}

TEST_CASE("target: labels name what is looked for") {
  Target target;
  target.container = "app";
  target.family = "web";
  CHECK(target_label(target) == "family/web/app");
  target.revision = 7;
  CHECK(target_label(target) == "family/web:7/app");
  target = Target{};
  target.service = "api";
  target.container = "app";
  CHECK(target_label(target) == "service/api/app");
}

}  // namespace kite::discovery
