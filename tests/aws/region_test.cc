#include "aws/region.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"

namespace kite::aws {

namespace {

constexpr const char* kTask =
    R"({"Cluster":"prod","TaskARN":"arn:aws:ecs:us-west-2:111122223333:task/prod/0f9d",)"
    R"("Family":"web","Revision":"7","AvailabilityZone":"us-west-2-lax-1a","Containers":[]})";

using Variables = sys::Environment::Variables;

struct Harness {
  explicit Harness(Variables variables)
      : environment(std::move(variables)),
        settings(environment),
        task(environment, client),
        instance(plan_instance_metadata(environment).value(), client, clock, log.logger),
        finder(settings, client, task, instance) {}

  void find(const char* flag = "") {
    call = finder.find(flag, [this](sys::Result<Region> region) {
      found = region.ok() ? region->name + " from " + region->source
                          : "error: " + region.error().message;
    });
    CHECK_FALSE(found.has_value());
  }
  std::string find_at_once(const char* flag = "") {
    find(flag);
    CHECK(client.request(client.count() - 1).url.empty());
    client.answer(client.count() - 1, http::RequestError{http::Failure::bad_url, ""});
    return found.value_or("nothing");
  }

  sys::Environment environment;
  Settings settings;
  testing::ManualClock clock;
  testing::KeptLog log{clock};
  testing::FakeHttpClient client;
  TaskMetadataEndpoint task;
  InstanceMetadata instance;
  RegionFinder finder;
  std::unique_ptr<Call> call;
  std::optional<std::string> found;
};

constexpr const char* kUri = "ECS_CONTAINER_METADATA_URI_V4";

}  // namespace

TEST_CASE("region: flag over AWS_REGION over AWS_DEFAULT_REGION") {
  CHECK(Harness(Variables{{"AWS_REGION", "eu-west-1"}}).find_at_once("us-east-1") ==
        "us-east-1 from -region");
  CHECK(Harness(Variables{{"AWS_REGION", "eu-west-1"}, {"AWS_DEFAULT_REGION", "eu-west-2"}})
            .find_at_once() == "eu-west-1 from AWS_REGION");
  CHECK(
      Harness(Variables{{"AWS_REGION", ""}, {"AWS_DEFAULT_REGION", "eu-west-2"}}).find_at_once() ==
      "eu-west-2 from AWS_DEFAULT_REGION");
}

TEST_CASE("region: one that cannot be in a host name is refused by the name of its source") {
  CHECK(Harness(Variables{}).find_at_once("Ireland") ==
        "error: -region is not a region; regions look like eu-west-1");
  for (const char* region : {"eu west", "a.b", "evil.example/", "-", "EU-WEST-1"}) {
    CHECK(Harness(Variables{{"AWS_REGION", region}})
              .find_at_once()
              .starts_with("error: AWS_REGION is not"));
  }
}

TEST_CASE("region: the task's ARN tells, not its zone") {
  Harness test(Variables{{kUri, "http://169.254.170.2/v4/abc"}});
  test.find();
  CHECK(test.client.request(0).url == "http://169.254.170.2/v4/abc/task");
  test.client.answer_ok(0, kTask);
  CHECK(test.found == "us-west-2 from task metadata");
}

TEST_CASE("region: instance metadata when the task's fails, and an error that names both") {
  Harness test(Variables{{kUri, "http://169.254.170.2/v4/abc"}});
  test.find();
  test.client.answer_ok(0, "not JSON");
  test.client.answer_ok(1, "tok");
  CHECK(test.client.request(2).url == "http://169.254.169.254/latest/meta-data/placement/region");
  test.client.answer_ok(2, "ap-south-1");
  CHECK(test.found == "ap-south-1 from instance metadata");

  test.found.reset();
  test.find();
  test.client.answer_ok(3, "", 404);
  test.client.answer_ok(4, "<html>");
  REQUIRE(test.found.has_value());
  CHECK(test.found->starts_with("error: the region is not known: set -region or AWS_REGION; "));
  CHECK(test.found->find("no task metadata: HTTP 404") != std::string::npos);
  CHECK(test.found->ends_with("the instance metadata service named none"));
}

TEST_CASE("region: outside ECS and EC2 the search ends with what to set") {
  Harness test(Variables{{"AWS_EC2_METADATA_DISABLED", "true"}});
  test.find();
  test.client.answer(0, http::RequestError{http::Failure::bad_url, ""});
  REQUIRE(test.found.has_value());
  CHECK(test.found->find("set -region or AWS_REGION") != std::string::npos);
}

TEST_CASE("task metadata: is read with everything but the ARN optional") {
  const sys::Result<TaskMetadata> full = parse_task_metadata(kTask);
  REQUIRE(full.ok());
  CHECK(*full == TaskMetadata{"arn:aws:ecs:us-west-2:111122223333:task/prod/0f9d", "us-west-2",
                              "prod", "us-west-2-lax-1a"});
  const sys::Result<TaskMetadata> bare =
      parse_task_metadata(R"({"TaskARN":"arn:aws-cn:ecs:cn-north-1:1:task/x","Cluster":null})");
  REQUIRE(bare.ok());
  CHECK(bare->region == "cn-north-1");
  CHECK(bare->cluster.empty());
  for (const char* body :
       {"", "[]", "{}", R"({"TaskARN":7})", R"({"TaskARN":"arn:aws:ecs"})",
        R"({"TaskARN":"arn:aws:ecs::1:task/x"})", R"({"TaskARN":"x:aws:ecs:eu-west-1:1:task/x"})",
        R"({"TaskARN":"arn:aws:ecs:evil.example/:1:task/x"})"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_task_metadata(body).ok());
  }
}

}  // namespace kite::aws
