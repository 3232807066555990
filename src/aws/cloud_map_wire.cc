#include "aws/cloud_map_wire.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "aws/json_value.h"

namespace kite::aws {
namespace {

nlohmann::json service_of(const CloudMapApi::Query& query) {
  return {{"NamespaceName", query.namespace_name}, {"ServiceName", query.service}};
}

std::string dump(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Attributes are texts, ports too. 0 unless it is a port that can be connected to.
uint16_t read_port(std::string_view text) {
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  return failure == std::errc() && stop == end ? port : uint16_t{0};
}

RegisteredInstance read_instance(JsonValue entry) {
  const JsonValue attributes = entry.member("Attributes");
  RegisteredInstance instance;
  instance.id = entry.member("InstanceId").text();
  instance.health = entry.member("HealthStatus").text();
  instance.ipv4 = attributes.member("AWS_INSTANCE_IPV4").text();
  instance.ipv6 = attributes.member("AWS_INSTANCE_IPV6").text();
  instance.availability_zone = attributes.member("AVAILABILITY_ZONE").text();
  instance.cluster = attributes.member("ECS_CLUSTER_NAME").text();
  instance.family = attributes.member("ECS_TASK_DEFINITION_FAMILY").text();
  instance.port = read_port(attributes.member("AWS_INSTANCE_PORT").text());
  instance.on_instance = !attributes.member("EC2_INSTANCE_ID").text().empty();
  return instance;
}

}  // namespace

std::string discover_instances_body(const CloudMapApi::Query& query) {
  nlohmann::json body = service_of(query);
  body["MaxResults"] = CloudMapApi::kInstancesMax;
  body["HealthStatus"] = "ALL";
  for (const Tag& attribute : query.attributes) {
    body["QueryParameters"][std::string(attribute.key)] = std::string(attribute.value);
  }
  return dump(body);
}

std::string discover_revision_body(const CloudMapApi::Query& query) {
  return dump(service_of(query));
}

sys::Result<RegisteredInstances> parse_registered_instances(std::string_view body) {
  static constexpr std::string_view kNames[] = {
      "Instances",         "InstancesRevision", "InstanceId",        "HealthStatus",
      "Attributes",        "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT",
      "AVAILABILITY_ZONE", "ECS_CLUSTER_NAME",  "EC2_INSTANCE_ID",   "ECS_TASK_DEFINITION_FAMILY"};
  RegisteredInstances registered;
  bool nameless = false;
  const auto take = [&](std::string_view list, JsonValue entry) {
    if (list != "Instances") return;
    registered.instances.push_back(read_instance(entry));
    nameless = nameless || registered.instances.back().id.empty();
  };
  const auto document = JsonDocument::parse(body, kNames, take);
  if (!document.ok()) return document.error();
  if (!document->root().member("Instances").is_array()) {
    return sys::Error{"the answer has no Instances"};
  }
  if (nameless) return sys::Error{"the answer lists an instance without an InstanceId"};
  registered.revision = document->root().member("InstancesRevision").integer();
  return registered;
}

sys::Result<int64_t> parse_instances_revision(std::string_view body) {
  static constexpr std::string_view kNames[] = {"InstancesRevision"};
  const auto document = JsonDocument::parse(body, kNames);
  if (!document.ok()) return document.error();
  const auto revision = document->root().member("InstancesRevision").integer();
  if (!revision) return sys::Error{"the answer has no InstancesRevision"};
  return *revision;
}

}  // namespace kite::aws
