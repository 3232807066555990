#include "aws/place_search.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"

namespace kite::aws {

namespace {

using Variables = sys::Environment::Variables;

struct Harness {
  explicit Harness(Variables variables)
      : environment(std::move(variables)),
        task(environment, client),
        instance(plan_instance_metadata(environment).value(), client, clock, log.logger) {
    call = find_own_zone(task, instance, [this](sys::Result<Place> zone) {
      found = zone.ok() ? zone->name + " from " + zone->source : "error: " + zone.error().message;
      call.reset();  // the caller may let go at once
    });
    CHECK_FALSE(found.has_value());
  }

  sys::Environment environment;
  testing::ManualClock clock;
  testing::KeptLog log{clock};
  testing::FakeHttpClient client;
  TaskMetadataEndpoint task;
  InstanceMetadata instance;
  std::unique_ptr<Call> call;
  std::optional<std::string> found;
};

Variables on_ecs() {
  return {{"ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/abc"}};
}

std::string task_in(const std::string& zone) {
  return R"({"TaskARN":"arn:aws:ecs:us-west-2:111122223333:task/prod/0f9d")" + zone + "}";
}

}  // namespace

TEST_CASE("own zone: the task's metadata tells") {
  Harness test(on_ecs());
  test.client.answer_ok(0, task_in(R"(,"AvailabilityZone":"us-west-2-lax-1a")"));
  CHECK(test.found == "us-west-2-lax-1a from task metadata");
  CHECK(test.client.count() == 1);
}

TEST_CASE("own zone: the instance's metadata tells where the task's does not") {
  // The agent of an EC2 instance leaves the zone out when it does not know it.
  for (const char* zone : {"", R"(,"AvailabilityZone":null)", R"(,"AvailabilityZone":"a b")"}) {
    Harness test(on_ecs());
    test.client.answer_ok(0, task_in(zone));
    test.client.answer_ok(1, "tok");
    CHECK(test.client.request(2).url ==
          "http://169.254.169.254/latest/meta-data/placement/availability-zone");
    test.client.answer_ok(2, "eu-west-1b");
    CHECK(test.found == "eu-west-1b from instance metadata");
  }
}

TEST_CASE("own zone: outside ECS the instance alone is asked") {
  Harness test(Variables{});
  test.client.answer_ok(0, "tok");
  test.client.answer_ok(1, "eu-west-1b");
  CHECK(test.found == "eu-west-1b from instance metadata");
}

TEST_CASE("own zone: when nobody knows, the error says why of each") {
  Harness test(on_ecs());
  test.client.answer_ok(0, task_in(""));
  test.client.answer_ok(1, "tok");
  test.client.answer_ok(2, "", 404);
  CHECK(test.found ==
        "error: the task metadata endpoint named none; the instance metadata service named none");
}

}  // namespace kite::aws
