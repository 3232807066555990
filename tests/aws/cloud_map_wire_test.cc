#include "aws/cloud_map_wire.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "aws/cloud_map_calls.h"
#include "tests/aws/caller_harness.h"

namespace kite::aws {

namespace {

const CloudMapApi::Query kQuery = {"shop", "orders", {}};

RegisteredInstance parse_one(const std::string& members) {
  const auto answer =
      parse_registered_instances(R"({"Instances":[{"InstanceId":"t1",)" + members + "}]}");
  REQUIRE(answer.ok());
  return answer->instances.at(0);
}

uint16_t port_of(const std::string& port) {
  return parse_one(R"("Attributes":{"AWS_INSTANCE_PORT":)" + port + "}").port;
}

}  // namespace

TEST_CASE("cloud map wire: request bodies") {
  CHECK(discover_revision_body(kQuery) == R"({"NamespaceName":"shop","ServiceName":"orders"})");
  CHECK(discover_instances_body(kQuery) ==
        R"({"HealthStatus":"ALL","MaxResults":1000,"NamespaceName":"shop",)"
        R"("ServiceName":"orders"})");
  CHECK(discover_instances_body({"shop", "orders", {{"slice", "blue"}, {"a", "\""}}}) ==
        R"({"HealthStatus":"ALL","MaxResults":1000,"NamespaceName":"shop",)"
        R"("QueryParameters":{"a":"\"","slice":"blue"},"ServiceName":"orders"})");
}

TEST_CASE("cloud map wire: an instance as ECS registers it") {
  const auto answer = parse_registered_instances(
      R"({"Instances":[{"InstanceId":"0f9d","NamespaceName":"shop","ServiceName":"orders",
      "HealthStatus":"UNHEALTHY","Attributes":{"AWS_INSTANCE_IPV4":"10.0.0.1",
      "AWS_INSTANCE_IPV6":"fd00::1","AWS_INSTANCE_PORT":"8080","AVAILABILITY_ZONE":"eu-west-1a",
      "REGION":"eu-west-1","ECS_CLUSTER_NAME":"prod","ECS_SERVICE_NAME":"orders",
      "ECS_TASK_DEFINITION_FAMILY":"web","EC2_INSTANCE_ID":"i-1","other":"x"}}],
      "InstancesRevision":7})");
  REQUIRE(answer.ok());
  CHECK(answer->revision == 7);
  const RegisteredInstance expected{"0f9d", "UNHEALTHY", "10.0.0.1", "fd00::1", "eu-west-1a",
                                    "prod", "web",       8080,       true};
  CHECK(answer->instances == std::vector<RegisteredInstance>{expected});
}

TEST_CASE("cloud map wire: attributes may be absent or nonsense") {
  const RegisteredInstance bare{"t1", "", "", "", "", "", "", 0, false};
  CHECK(parse_one(R"("HealthStatus":null)") == bare);
  CHECK(parse_one(R"("HealthStatus":1,"Attributes":null)") == bare);
  CHECK(parse_one(R"("Attributes":[{"AWS_INSTANCE_IPV4":"10.0.0.1"}])") == bare);
  CHECK(parse_one(R"("Attributes":{"AWS_INSTANCE_IPV4":{},"AVAILABILITY_ZONE":7})") == bare);
  CHECK(port_of("\"65535\"") == 65535);
  for (const char* port : {"8080", "\"\"", "\"-1\"", "\"65536\"", "\"80x\"", "\" 80\"", "null"}) {
    CHECK(port_of(port) == 0);
  }
}

TEST_CASE("cloud map wire: an answer that could hide instances is an error, not an empty list") {
  for (const char* body :
       {"", "{}", "[]", "<html/>", R"({"Instances":null})", R"({"Instances":{}})",
        R"({"Instances":[{}]})", R"({"Instances":[null]})", R"({"Instances":[{"InstanceId":7}]})",
        R"({"Instances":[{"InstanceId":"t1"},{"InstanceId":""}]})", R"({"InstancesRevision":1})"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_registered_instances(body).ok());
  }
  const auto empty = parse_registered_instances(R"({"Instances":[],"InstancesRevision":"7"})");
  REQUIRE(empty.ok());
  CHECK(empty->instances.empty());
  CHECK(empty->revision == std::nullopt);
}

TEST_CASE("cloud map wire: a revision is a number") {
  CHECK(*parse_instances_revision(R"({"InstancesRevision":9007199254740993})") == 9007199254740993);
  for (const char* body : {"{}", R"({"InstancesRevision":"1"})", R"({"InstancesRevision":1.5})"}) {
    CHECK_FALSE(parse_instances_revision(body).ok());
  }
}

TEST_CASE("cloud map calls: each has its target, and is signed for servicediscovery") {
  CallerHarness harness(Service::cloud_map);
  CloudMapCalls cloud_map(harness.caller);
  std::optional<CallResult<RegisteredInstances>> instances;
  const auto discover = cloud_map.discover_instances(
      kQuery, [&](CallResult<RegisteredInstances> answer) { instances = std::move(answer); });
  CHECK(harness.sent_header("X-Amz-Target") == "Route53AutoNaming_v20170314.DiscoverInstances");
  CHECK(harness.sent_header("Content-Type") == "application/x-amz-json-1.1");
  CHECK(harness.sent_header("Authorization").find("/eu-west-1/servicediscovery/aws4_request") !=
        std::string_view::npos);
  harness.answer(200, R"({"Instances":[]})");
  REQUIRE(instances.has_value());
  CHECK(instances->ok());

  std::optional<CallResult<int64_t>> revision;
  const auto ask = cloud_map.discover_revision(
      kQuery, [&](CallResult<int64_t> answer) { revision = std::move(answer); });
  CHECK(harness.sent_header("X-Amz-Target") ==
        "Route53AutoNaming_v20170314.DiscoverInstancesRevision");
  harness.refuse("NamespaceNotFound");
  REQUIRE(revision.has_value());
  CHECK(revision->error().error_class == ErrorClass::not_found);
  CHECK(revision->error().operation == "servicediscovery:DiscoverInstancesRevision");
}

}  // namespace kite::aws
