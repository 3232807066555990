#include "aws/ecs_wire.h"

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "aws/json_value.h"

namespace kite::aws {
namespace {

/// Bytes that are not UTF-8 become U+FFFD: the service then names the value it does not know.
std::string dump(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Nothing unless the value is a port that can be connected to.
std::optional<uint16_t> read_port(JsonValue value) {
  const std::optional<int64_t> number = value.integer();
  if (!number || *number < 1 || *number > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

/// A port given as a number under `single_name`, or as text under `range_name`.
std::optional<PortRange> read_ports(JsonValue entry, std::string_view single_name,
                                    std::string_view range_name) {
  if (const auto port = read_port(entry.member(single_name))) return PortRange{*port, *port};
  return parse_port_range(entry.member(range_name).text());
}

std::string_view read_protocol(JsonValue entry) {
  const std::string_view protocol = entry.member("protocol").text();
  return protocol.empty() ? "tcp" : protocol;
}

std::optional<PortBinding> read_binding(JsonValue entry) {
  const auto container = read_ports(entry, "containerPort", "containerPortRange");
  const auto host = read_ports(entry, "hostPort", "hostPortRange");
  if (!container || !host) return std::nullopt;
  if (container->last - container->first != host->last - host->first) return std::nullopt;
  return PortBinding{entry.member("bindIP").text(), *container, *host, read_protocol(entry)};
}

Container read_container(JsonValue entry) {
  Container container;
  container.name = entry.member("name").text();
  container.last_status = entry.member("lastStatus").text();
  container.health_status = entry.member("healthStatus").text();
  for (const JsonValue item : entry.member("networkBindings")) {
    if (auto binding = read_binding(item)) container.bindings.push_back(*std::move(binding));
  }
  return container;
}

/// The interface's id is only in the attachment, its IPv6 address only in the containers.
std::optional<TaskEni> read_eni(JsonValue task) {
  std::optional<TaskEni> eni;
  for (const JsonValue attachment : task.member("attachments")) {
    const std::string_view type = attachment.member("type").text();
    if (type != "ElasticNetworkInterface" && type != "eni") continue;
    eni.emplace();
    for (const JsonValue detail : attachment.member("details")) {
      const std::string_view name = detail.member("name").text();
      if (name == "networkInterfaceId") eni->eni_id = detail.member("value").text();
      if (name == "privateIPv4Address") eni->private_ipv4 = detail.member("value").text();
    }
    break;
  }
  for (const JsonValue container : task.member("containers")) {
    const JsonValue interface = container.member("networkInterfaces").first();
    if (!interface.is_object()) continue;
    if (!eni) eni.emplace();
    if (eni->private_ipv4.empty()) {
      eni->private_ipv4 = interface.member("privateIpv4Address").text();
    }
    if (eni->ipv6.empty()) eni->ipv6 = interface.member("ipv6Address").text();
  }
  return eni;
}

std::optional<std::vector<Tag>> read_tags(JsonValue list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<Tag> tags;
  for (const JsonValue entry : list) {
    const std::string_view key = entry.member("key").text();
    if (!key.empty()) tags.push_back({key, entry.member("value").text()});
  }
  return tags;
}

Task read_task(JsonValue entry) {
  Task task;
  task.arn = entry.member("taskArn").text();
  task.definition_arn = entry.member("taskDefinitionArn").text();
  task.container_instance_arn = entry.member("containerInstanceArn").text();
  task.last_status = entry.member("lastStatus").text();
  task.desired_status = entry.member("desiredStatus").text();
  task.connectivity = entry.member("connectivity").text();
  task.availability_zone = entry.member("availabilityZone").text();
  for (const JsonValue item : entry.member("containers")) {
    if (item.is_object()) task.containers.push_back(read_container(item));
  }
  task.eni = read_eni(entry);
  task.tags = read_tags(entry.member("tags"));
  return task;
}

ContainerInstance read_container_instance(JsonValue entry) {
  return {std::string(entry.member("containerInstanceArn").text()),
          std::string(entry.member("ec2InstanceId").text())};
}

sys::Error lacks(std::string_view member) {
  return sys::Error{"the answer has no " + std::string(member)};
}

/// Of both Describe calls. Everything else in their answers is two thirds of them.
constexpr std::string_view kDescribedNames[] = {
    "tasks",
    "containerInstances",
    "failures",
    "arn",
    "reason",
    "taskArn",
    "taskDefinitionArn",
    "containerInstanceArn",
    "ec2InstanceId",
    "lastStatus",
    "desiredStatus",
    "healthStatus",
    "connectivity",
    "availabilityZone",
    "containers",
    "name",
    "networkBindings",
    "bindIP",
    "containerPort",
    "containerPortRange",
    "hostPort",
    "hostPortRange",
    "protocol",
    "networkInterfaces",
    "privateIpv4Address",
    "ipv6Address",
    "attachments",
    "type",
    "details",
    "value",
    "tags",
    "key",
};

/// The frame of both Describe calls: `list_name` holds what was found, `failures` what was not.
/// Without an ARN an entry belongs to nothing that was asked for.
template <typename Item>
sys::Result<Described<Item>> parse_described(std::string_view body, std::string_view list_name,
                                             Item (*read_item)(JsonValue)) {
  Described<Item> described;
  const auto take = [&](std::string_view list, JsonValue entry) {
    if (list == list_name) {
      Item item = read_item(entry);
      if (!item.arn.empty()) described.items.push_back(std::move(item));
    } else if (list == "failures") {
      DescribeFailure failure{std::string(entry.member("arn").text()),
                              std::string(entry.member("reason").text())};
      if (!failure.arn.empty()) described.failures.push_back(std::move(failure));
    }
  };
  const auto document = JsonDocument::parse(body, kDescribedNames, take);
  if (!document.ok()) return document.error();
  if (!document->root().member(list_name).is_array()) return lacks(list_name);
  return described;
}

std::vector<DefinitionPort> read_definition_ports(JsonValue mappings) {
  std::vector<DefinitionPort> ports;
  for (const JsonValue mapping : mappings) {
    const auto range = read_ports(mapping, "containerPort", "containerPortRange");
    if (range) ports.push_back({*range, std::string(read_protocol(mapping))});
  }
  return ports;
}

}  // namespace

std::string list_tasks_body(const EcsApi::ListTasksRequest& request) {
  nlohmann::json body = {
      {"cluster", request.cluster}, {"desiredStatus", "RUNNING"}, {"maxResults", 100}};
  if (!request.family.empty()) body["family"] = request.family;
  if (!request.service.empty()) body["serviceName"] = request.service;
  if (!request.next_token.empty()) body["nextToken"] = request.next_token;
  return dump(body);
}

std::string describe_tasks_body(const std::string& cluster,
                                const std::vector<std::string>& task_arns, EcsApi::TaskTags tags) {
  nlohmann::json body = {{"cluster", cluster}, {"tasks", task_arns}};
  if (tags == EcsApi::TaskTags::include) body["include"] = nlohmann::json::array({"TAGS"});
  return dump(body);
}

std::string describe_container_instances_body(const std::string& cluster,
                                              const std::vector<std::string>& arns) {
  return dump({{"cluster", cluster}, {"containerInstances", arns}});
}

std::string describe_task_definition_body(const std::string& definition_arn) {
  return dump({{"taskDefinition", definition_arn}});
}

std::string describe_services_body(const std::string& cluster, const std::string& service) {
  return dump({{"cluster", cluster}, {"services", nlohmann::json::array({service})}});
}

sys::Result<EcsApi::TaskPage> parse_task_page(std::string_view body) {
  static constexpr std::string_view kNames[] = {"taskArns", "nextToken"};
  const auto document = JsonDocument::parse(body, kNames);
  if (!document.ok()) return document.error();
  const JsonValue arns = document->root().member("taskArns");
  if (!arns.is_array()) return lacks("taskArns");
  EcsApi::TaskPage page;
  for (const JsonValue arn : arns) {
    if (arn.text().empty()) return sys::Error{"the answer lists a task without an ARN"};
    page.task_arns.emplace_back(arn.text());
  }
  const JsonValue token = document->root().member("nextToken");
  if (!token.is_nothing() && !token.is_string()) {
    return sys::Error{"the answer's nextToken is not a text"};  // there are pages we cannot reach
  }
  page.next_token = token.text();
  return page;
}

sys::Result<Described<Task>> parse_tasks(std::string_view body) {
  return parse_described<Task>(body, "tasks", read_task);
}

sys::Result<Described<ContainerInstance>> parse_container_instances(std::string_view body) {
  return parse_described<ContainerInstance>(body, "containerInstances", read_container_instance);
}

sys::Result<TaskDefinition> parse_task_definition(std::string_view body) {
  static constexpr std::string_view kNames[] = {
      "taskDefinition", "taskDefinitionArn", "networkMode",   "containerDefinitions",
      "name",           "portMappings",      "containerPort", "containerPortRange",
      "protocol"};
  const auto document = JsonDocument::parse(body, kNames);
  if (!document.ok()) return document.error();
  const JsonValue entry = document->root().member("taskDefinition");
  TaskDefinition definition;
  definition.arn = entry.member("taskDefinitionArn").text();
  if (definition.arn.empty()) return lacks("taskDefinition");
  definition.network_mode = entry.member("networkMode").text();
  if (definition.network_mode.empty()) definition.network_mode = "bridge";
  for (const JsonValue container : entry.member("containerDefinitions")) {
    const std::string name(container.member("name").text());
    if (name.empty()) continue;
    definition.ports_by_container[name] = read_definition_ports(container.member("portMappings"));
  }
  return definition;
}

sys::Result<ServiceRollout> parse_service_rollout(std::string_view body) {
  static constexpr std::string_view kNames[] = {"services", "deployments", "taskSets", "status",
                                                "taskDefinition"};
  const auto document = JsonDocument::parse(body, kNames);
  if (!document.ok()) return document.error();
  const JsonValue services = document->root().member("services");
  if (!services.is_array()) return lacks("services");
  ServiceRollout rollout;
  // A service whose deployments another controller makes has task sets in their place.
  for (const std::string_view list : {"deployments", "taskSets"}) {
    for (const JsonValue entry : services.first().member(list)) {
      if (entry.member("status").text() != "PRIMARY") continue;
      rollout.primary_definition_arn = entry.member("taskDefinition").text();
      if (!rollout.primary_definition_arn.empty()) return rollout;
    }
  }
  return rollout;
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  PortRange range;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, range.first);
  if (first.ec != std::errc()) return std::nullopt;
  range.last = range.first;
  if (first.ptr != end) {
    if (*first.ptr != '-') return std::nullopt;
    const auto last = std::from_chars(first.ptr + 1, end, range.last);
    if (last.ec != std::errc() || last.ptr != end) return std::nullopt;
  }
  if (range.first == 0 || range.first > range.last) return std::nullopt;
  return range;
}

}  // namespace kite::aws
