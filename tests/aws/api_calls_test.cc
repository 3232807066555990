#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "aws/call_later.h"
#include "aws/ec2_calls.h"
#include "aws/ecs_calls.h"
#include "tests/aws/caller_harness.h"

namespace kite::aws {
namespace {

/// Keeps what a typed call gave.
template <typename T>
struct Kept {
  OnResult<T> keep() {
    return [this](CallResult<T> given) { result = std::move(given); };
  }
  std::optional<CallResult<T>> result;
};

}  // namespace

TEST_CASE("ecs_calls: each call has its target, body and answer") {
  CallerHarness harness;
  EcsCalls ecs(harness.caller);
  const std::string prefix = "AmazonEC2ContainerServiceV20141113.";

  Kept<EcsApi::TaskPage> page;
  const auto list = ecs.list_tasks({"default", "web", "", ""}, page.keep());
  CHECK(harness.sent_header("X-Amz-Target") == prefix + "ListTasks");
  CHECK(harness.sent_header("Content-Type") == "application/x-amz-json-1.1");
  CHECK(harness.sent().body ==
        R"({"cluster":"default","desiredStatus":"RUNNING","family":"web","maxResults":100})");
  harness.answer(200, R"({"taskArns":["a"]})");
  REQUIRE(page.result->ok());
  CHECK((*page.result)->task_arns.size() == 1);

  Kept<Described<Task>> tasks;
  const auto describe =
      ecs.describe_tasks("default", {"a"}, EcsApi::TaskTags::leave_out, tasks.keep());
  CHECK(harness.sent_header("X-Amz-Target") == prefix + "DescribeTasks");
  harness.answer(200, R"({"tasks":[{"taskArn":"a"}]})");
  REQUIRE(tasks.result->ok());

  Kept<Described<ContainerInstance>> instances;
  const auto container = ecs.describe_container_instances("default", {"c"}, instances.keep());
  CHECK(harness.sent_header("X-Amz-Target") == prefix + "DescribeContainerInstances");
  harness.answer(200, R"({"containerInstances":[]})");
  REQUIRE(instances.result->ok());

  Kept<TaskDefinition> definition;
  const auto define = ecs.describe_task_definition("web:7", definition.keep());
  CHECK(harness.sent_header("X-Amz-Target") == prefix + "DescribeTaskDefinition");
  harness.answer(200, R"({"taskDefinition":{"taskDefinitionArn":"d"}})");
  REQUIRE(definition.result->ok());

  Kept<ServiceRollout> rollout;
  const auto service = ecs.describe_service("prod", "api", rollout.keep());
  CHECK(harness.sent_header("X-Amz-Target") == prefix + "DescribeServices");
  CHECK(harness.sent().body == R"({"cluster":"prod","services":["api"]})");
  harness.answer(200,
                 R"({"services":[{"deployments":[{"status":"PRIMARY","taskDefinition":"d"}]}]})");
  REQUIRE(rollout.result->ok());
  CHECK((*rollout.result)->primary_definition_arn == "d");
}

TEST_CASE("ec2_calls: each call has its action and answer, and no target header") {
  CallerHarness harness(Service::ec2);
  Ec2Calls ec2(harness.caller);
  Kept<Ec2Api::InstancePage> instances;
  const auto first = ec2.describe_instances({"i-1"}, "", instances.keep());
  CHECK(harness.sent_header("X-Amz-Target") == "(absent)");
  CHECK(harness.sent_header("Content-Type") == "application/x-www-form-urlencoded; charset=utf-8");
  CHECK(harness.sent_header("Authorization").find("/ec2/aws4_request") != std::string::npos);
  CHECK(harness.sent().body.starts_with("Action=DescribeInstances&"));
  harness.answer(200, "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>");
  REQUIRE(instances.result->ok());

  Kept<Ec2Api::InterfacePage> interfaces;
  const auto second = ec2.describe_network_interfaces({"eni-1"}, "t", interfaces.keep());
  CHECK(harness.sent().body.starts_with("Action=DescribeNetworkInterfaces&"));
  harness.answer(200,
                 "<DescribeNetworkInterfacesResponse><networkInterfaceSet/>"
                 "</DescribeNetworkInterfacesResponse>");
  REQUIRE(interfaces.result->ok());
}

TEST_CASE("ec2_calls: errors come in XML") {
  CallerHarness harness(Service::ec2);
  Ec2Calls ec2(harness.caller);
  Kept<Ec2Api::InstancePage> kept;
  const auto call = ec2.describe_instances({"i-1"}, "", kept.keep());
  harness.answer(403,
                 "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message>"
                 "</Error></Errors><RequestID>r1</RequestID></Response>");
  REQUIRE(kept.result.has_value());
  CHECK(kept.result->error().error_class == ErrorClass::denied);
  CHECK(kept.result->error().request_id == "r1");
  CHECK(kept.result->error().message.find("ec2:DescribeInstances") != std::string::npos);
}

TEST_CASE("ecs_calls: a 200 that is not ECS's answer is a malformed answer") {
  for (const char* body : {"", "<html>login</html>", "{}", R"({"taskArns":["a"],"nextT)", "null",
                           "\xff\xfe", R"({"taskArns":[{}]})"}) {
    CAPTURE(body);
    CallerHarness harness;
    EcsCalls ecs(harness.caller);
    Kept<EcsApi::TaskPage> kept;
    const auto call = ecs.list_tasks({"default", "", "api", ""}, kept.keep());
    harness.answer(200, body, {{"x-amzn-RequestId", "r2"}});
    CHECK(harness.client.count() == 1);
    REQUIRE(kept.result.has_value());
    CHECK(kept.result->error().error_class == ErrorClass::malformed_answer);
    CHECK(kept.result->error().operation == "ecs:ListTasks");
    CHECK(kept.result->error().request_id == "r2");
  }
}

TEST_CASE("call_later: runs once from the client, and not when cancelled") {
  testing::FakeHttpClient client;
  int runs = 0;
  auto call = call_later(client, [&] { ++runs; });
  CHECK(runs == 0);
  client.answer(0, http::RequestError{http::Failure::bad_url, ""});
  CHECK(runs == 1);

  auto cancelled = call_later(client, [&] { ++runs; });
  cancelled.reset();
  client.answer(1, http::RequestError{http::Failure::bad_url, ""});
  CHECK(runs == 1);
}

}  // namespace kite::aws
