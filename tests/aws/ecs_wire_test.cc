#include "aws/ecs_wire.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

std::string tasks_with(const std::string& members) {
  return R"({"tasks":[{"taskArn":"arn:t",)" + members + R"(}],"failures":[]})";
}

Task parse_one(const std::string& members) {
  const auto described = parse_tasks(tasks_with(members));
  REQUIRE(described.ok());
  REQUIRE(described->items.size() == 1);
  return described->items[0];
}

std::vector<PortBinding> bindings_of(const std::string& bindings) {
  const Task task = parse_one(R"("containers":[{"name":"c","networkBindings":)" + bindings + "}]");
  REQUIRE(task.containers.size() == 1);
  return task.containers[0].bindings;
}

}  // namespace

TEST_CASE("ecs_wire: request bodies") {
  CHECK(list_tasks_body({"default", "web", "", ""}) ==
        R"({"cluster":"default","desiredStatus":"RUNNING","family":"web","maxResults":100})");
  CHECK(list_tasks_body({"prod", "", "api", "t\"1"}) ==
        R"({"cluster":"prod","desiredStatus":"RUNNING","maxResults":100,"nextToken":"t\"1",)"
        R"("serviceName":"api"})");
  CHECK(describe_tasks_body("prod", {"a", "b"}, EcsApi::TaskTags::leave_out) ==
        R"({"cluster":"prod","tasks":["a","b"]})");
  CHECK(describe_tasks_body("prod", {"a"}, EcsApi::TaskTags::include) ==
        R"({"cluster":"prod","include":["TAGS"],"tasks":["a"]})");
  CHECK(describe_services_body("prod", "api") == R"({"cluster":"prod","services":["api"]})");
  CHECK(describe_container_instances_body("prod", {"a"}) ==
        R"({"cluster":"prod","containerInstances":["a"]})");
  CHECK(describe_task_definition_body("web:7") == R"({"taskDefinition":"web:7"})");
  CHECK(describe_task_definition_body("\xff") == "{\"taskDefinition\":\"\xef\xbf\xbd\"}");
}

TEST_CASE("ecs_wire: a page of tasks, also an empty one with a token") {
  const auto page = parse_task_page(R"({"taskArns":["a","b"],"nextToken":null})");
  REQUIRE(page.ok());
  CHECK(page->task_arns == std::vector<std::string>{"a", "b"});
  CHECK(page->next_token.empty());
  const auto empty = parse_task_page(R"({"taskArns":[],"nextToken":"more"})");
  REQUIRE(empty.ok());
  CHECK(empty->task_arns.empty());
  CHECK(empty->next_token == "more");
}

TEST_CASE("ecs_wire: an answer that could hide tasks is an error, not an empty list") {
  for (const char* body :
       {"", "{}", "[]", "null", R"({"taskArns":null})", R"({"taskArns":{}})", R"({"taskArns":"a"})",
        R"({"taskArns":["a",1]})", R"({"taskArns":[null]})", R"({"taskArns":[],"nextToken":5})",
        R"({"taskArns":["a")", "<html/>"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_task_page(body).ok());
  }
  for (const char* body : {"{}", R"({"tasks":null})", R"({"tasks":{}})", R"({"failures":[]})"}) {
    CHECK_FALSE(parse_tasks(body).ok());
  }
  CHECK_FALSE(parse_container_instances(R"({"tasks":[]})").ok());
  CHECK_FALSE(parse_task_definition(R"({"taskDefinition":null})").ok());
  CHECK_FALSE(parse_task_definition(R"({"taskDefinition":{}})").ok());
}

TEST_CASE("ecs_wire: a task with everything") {
  const Task task = parse_one(R"("taskDefinitionArn":"arn:d","containerInstanceArn":"arn:ci",
    "launchType":"EC2","group":"service:api","lastStatus":"RUNNING","desiredStatus":"STOPPED",
    "healthStatus":"UNKNOWN","connectivity":"CONNECTED","availabilityZone":"eu-west-1a",
    "createdAt":1767322800.12,"attachments":[],"containers":[{"name":"nginx",
    "lastStatus":"RUNNING","healthStatus":"HEALTHY","networkInterfaces":[],"networkBindings":[
    {"bindIP":"0.0.0.0","containerPort":80,"hostPort":32771,"protocol":"tcp"}]}])");
  CHECK(task.arn == "arn:t");
  CHECK(task.definition_arn == "arn:d");
  CHECK(task.container_instance_arn == "arn:ci");
  CHECK(task.last_status == "RUNNING");
  CHECK(task.desired_status == "STOPPED");
  CHECK(task.connectivity == "CONNECTED");
  CHECK(task.availability_zone == "eu-west-1a");
  CHECK_FALSE(task.eni.has_value());
  REQUIRE(task.containers.size() == 1);
  CHECK(task.containers[0].name == "nginx");
  CHECK(task.containers[0].last_status == "RUNNING");
  CHECK(task.containers[0].health_status == "HEALTHY");
  REQUIRE(task.containers[0].bindings.size() == 1);
  const PortBinding& binding = task.containers[0].bindings[0];
  CHECK(binding.bind_ip == "0.0.0.0");
  CHECK(binding.container == PortRange{80, 80});
  CHECK(binding.host == PortRange{32771, 32771});
  CHECK(binding.protocol == "tcp");
}

TEST_CASE("ecs_wire: ranges, absent protocols and udp are kept apart") {
  const auto bindings = bindings_of(R"([
    {"containerPortRange":"8080-8085","hostPortRange":"32780-32785"},
    {"bindIP":"::","containerPort":53,"hostPort":5353,"protocol":"udp"}])");
  REQUIRE(bindings.size() == 2);
  CHECK(bindings[0].container == PortRange{8080, 8085});
  CHECK(bindings[0].host == PortRange{32780, 32785});
  CHECK(bindings[0].protocol == "tcp");
  CHECK(bindings[0].bind_ip.empty());
  CHECK(bindings[1].protocol == "udp");
}

TEST_CASE("ecs_wire: bindings that make no sense are left out, the others stay") {
  for (const char* bad :
       {R"({"containerPort":80,"hostPort":0})", R"({"containerPort":80,"hostPort":65536})",
        R"({"containerPort":-1,"hostPort":80})", R"({"containerPort":"80","hostPort":80})",
        R"({"containerPort":80.0,"hostPort":80})", R"({"containerPort":80})", "null", "[]", "7",
        R"({"hostPort":80})", R"({"containerPortRange":"1-3","hostPortRange":"1-2"})",
        R"({"containerPortRange":"3-1","hostPortRange":"3-1"})",
        R"({"containerPortRange":7,"hostPortRange":"1-2"})"}) {
    CAPTURE(bad);
    const auto bindings =
        bindings_of("[" + std::string(bad) + R"(,{"containerPort":1,"hostPort":2}])");
    REQUIRE(bindings.size() == 1);
    CHECK(bindings[0].host == PortRange{2, 2});
  }
  CHECK(bindings_of("null").empty());
  CHECK(bindings_of("{}").empty());
}

TEST_CASE("ecs_wire: the task's interface comes from attachment and containers together") {
  const Task task = parse_one(R"("attachments":[
      {"id":"x","type":"Service Connect","details":[{"name":"networkInterfaceId","value":"no"}]},
      {"id":"y","type":"ElasticNetworkInterface","status":"ATTACHED","details":[
        {"name":"subnetId","value":"subnet-1"},{"name":"networkInterfaceId","value":"eni-1"},
        {"name":"privateIPv4Address","value":"10.0.0.9"},null,{"name":7}]}],
    "containers":[{"name":"a","networkInterfaces":[]},{"name":"b","networkInterfaces":[
        {"attachmentId":"y","privateIpv4Address":"10.0.0.9","ipv6Address":"fd00::9"}]}])");
  REQUIRE(task.eni.has_value());
  CHECK(task.eni->eni_id == "eni-1");
  CHECK(task.eni->private_ipv4 == "10.0.0.9");
  CHECK(task.eni->ipv6 == "fd00::9");

  const Task bare = parse_one(R"("containers":[{"name":"a","networkInterfaces":[
        {"privateIpv4Address":"10.0.0.8"}]}])");
  REQUIRE(bare.eni.has_value());
  CHECK(bare.eni->eni_id.empty());
  CHECK(bare.eni->private_ipv4 == "10.0.0.8");
}

TEST_CASE("ecs_wire: null, missing and foreign members read as empty") {
  const Task nulls = parse_one(R"("containers":null,"attachments":null,"group":null,
      "lastStatus":null,"containerInstanceArn":null,"unknown":{"deep":[1]}})"
                               R"(,{"taskArn":null},7,null,{"x":1)");
  CHECK(nulls.containers.empty());
  CHECK(nulls.last_status.empty());
  CHECK_FALSE(nulls.eni.has_value());
  const Task wrong = parse_one(R"("containers":[null,5,{"name":7,"networkBindings":"x",
      "networkInterfaces":{"a":1}}],"attachments":[5,{"type":"eni","details":"x"}],"group":[])");
  REQUIRE(wrong.containers.size() == 1);
  CHECK(wrong.containers[0].name.empty());
  REQUIRE(wrong.eni.has_value());
  CHECK(wrong.eni->eni_id.empty());
}

TEST_CASE("ecs_wire: failures are told beside what was found") {
  const auto described = parse_tasks(
      R"({"tasks":[],"failures":[{"arn":"a","reason":"MISSING"},{"reason":"x"},null]})");
  REQUIRE(described.ok());
  REQUIRE(described->failures.size() == 1);
  CHECK(described->failures[0].arn == "a");
  CHECK(described->failures[0].reason == "MISSING");
  CHECK(parse_tasks(R"({"tasks":[],"failures":null})").ok());
}

TEST_CASE("ecs_wire: container instances, on EC2 and anywhere else") {
  const auto described = parse_container_instances(R"({"containerInstances":[
      {"containerInstanceArn":"arn:1","ec2InstanceId":"i-1","status":"ACTIVE"},
      {"containerInstanceArn":"arn:2","ec2InstanceId":"mi-2"},
      {"containerInstanceArn":"arn:3","ec2InstanceId":null}]})");
  REQUIRE(described.ok());
  REQUIRE(described->items.size() == 3);
  CHECK(described->items[1].ec2_instance_id == "mi-2");
  CHECK(described->items[2].ec2_instance_id.empty());
}

TEST_CASE("ecs_wire: a task definition's mode and ports") {
  const auto definition = parse_task_definition(R"({"taskDefinition":{"taskDefinitionArn":"arn:d",
      "networkMode":"awsvpc","containerDefinitions":[{"name":"nginx","portMappings":[
        {"containerPort":80,"hostPort":80,"protocol":"tcp"},{"containerPort":53,"protocol":"udp"},
        {"containerPortRange":"9000-9002"},{"containerPort":0}]},
      {"name":"side"},{"name":null}]}})");
  REQUIRE(definition.ok());
  CHECK(definition->network_mode == "awsvpc");
  CHECK(definition->ports_by_container.size() == 2);
  const auto& ports = definition->ports_by_container.at("nginx");
  REQUIRE(ports.size() == 3);
  CHECK(ports[0].container == PortRange{80, 80});
  CHECK(ports[1].protocol == "udp");
  CHECK(ports[2].container == PortRange{9000, 9002});
  CHECK(ports[2].protocol == "tcp");
  CHECK(definition->ports_by_container.at("side").empty());

  const auto bridge = parse_task_definition(R"({"taskDefinition":{"taskDefinitionArn":"arn:d"}})");
  REQUIRE(bridge.ok());
  CHECK(bridge->network_mode == "bridge");
}

TEST_CASE("ecs_wire: port ranges") {
  CHECK(parse_port_range("8080-8085") == PortRange{8080, 8085});
  CHECK(parse_port_range("8080") == PortRange{8080, 8080});
  CHECK(parse_port_range("1-65535") == PortRange{1, 65535});
  for (const char* text : {"", "-", "8080-", "-8085", "0-5", "5-4", "1-65536", "1-2-3", "1 -2",
                           "+1-2", "0x1-2", "1-2 ", "70000-70001"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_port_range(text).has_value());
  }
}

TEST_CASE("ecs_wire: tags are told, told to be none, or not told") {
  CHECK_FALSE(parse_one(R"("lastStatus":"RUNNING")").tags.has_value());
  CHECK_FALSE(parse_one(R"("tags":null)").tags.has_value());
  CHECK_FALSE(parse_one(R"("tags":"x")").tags.has_value());
  CHECK(parse_one(R"("tags":[])").tags == std::vector<Tag>{});
  CHECK(parse_one(R"("tags":[{"key":"tier","value":"gold"},{"key":"bare"},{"value":"x"},null,
                     {"key":7,"value":"x"}])")
            .tags == std::vector<Tag>{{"tier", "gold"}, {"bare", ""}});
}

TEST_CASE("ecs_wire: what a service's PRIMARY deployment or task set runs") {
  const auto primary = [](const std::string& service) {
    const auto rollout = parse_service_rollout(R"({"failures":[],"services":[)" + service + "]}");
    return rollout.ok() ? rollout->primary_definition_arn : "error";
  };
  CHECK(primary(R"({"deployments":[{"id":"ecs-svc/1","status":"ACTIVE","taskDefinition":"d6"},
                    {"id":"ecs-svc/2","status":"PRIMARY","taskDefinition":"d7"}]})") == "d7");
  CHECK(primary(R"({"taskDefinition":"d5","deployments":[],"taskSets":[
                    {"status":"DRAINING","taskDefinition":"d6"},
                    {"status":"PRIMARY","taskDefinition":"d7"}]})") == "d7");
  CHECK(primary(R"({"deployments":[{"status":"PRIMARY","taskDefinition":null}]})") == "");
  CHECK(primary(R"({"deployments":7})") == "");
  CHECK(primary("null") == "");
  CHECK(primary("") == "");  // among the failures
  for (const char* body : {"", "{}", R"({"services":null})", R"({"services":{}})"}) {
    CHECK_FALSE(parse_service_rollout(body).ok());
  }
}

}  // namespace kite::aws
