#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sys/shared_text.h"

namespace kite::aws {

/// What DescribeTasks, DescribeContainerInstances, DescribeTaskDefinition, DescribeServices,
/// DescribeInstances and DescribeNetworkInterfaces say, as plain values, reduced to what the kite
/// uses. Every member can be absent on the wire; absent and null become the empty value.
/// Source:    ECS API 2014-11-13, EC2 API 2016-11-15.

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;  ///< inclusive; a single port has first == last
  bool operator==(const PortRange&) const = default;
};

/// One entry of networkBindings: a single port and a range look alike here.
struct PortBinding {
  sys::SharedText bind_ip;  ///< empty when absent
  PortRange container;
  PortRange host;            ///< as long as `container`
  sys::SharedText protocol;  ///< "tcp" when absent
  bool operator==(const PortBinding&) const = default;
};

struct Container {
  sys::SharedText name;
  sys::SharedText last_status;
  sys::SharedText health_status;  ///< empty when absent: counts as UNKNOWN
  std::vector<PortBinding> bindings;
  bool operator==(const Container&) const = default;
};

/// The task's elastic network interface (awsvpc and Fargate).
struct TaskEni {
  sys::SharedText eni_id;
  sys::SharedText private_ipv4;
  sys::SharedText ipv6;
  bool operator==(const TaskEni&) const = default;
};

struct Tag {
  sys::SharedText key;
  sys::SharedText value;
  bool operator==(const Tag&) const = default;
};

/// Known tasks are kept by the thousand, so they share the texts that repeat.
struct Task {
  sys::SharedText arn;
  sys::SharedText definition_arn;
  sys::SharedText container_instance_arn;  ///< empty on Fargate
  sys::SharedText last_status;
  sys::SharedText desired_status;
  sys::SharedText connectivity;
  sys::SharedText availability_zone;
  std::vector<Container> containers;
  std::optional<TaskEni> eni;
  std::optional<std::vector<Tag>> tags;  ///< nothing unless asked for and told
  bool operator==(const Task&) const = default;
};

/// What is rolled out at present.
struct ServiceRollout {
  std::string primary_definition_arn;  ///< of the PRIMARY deployment or task set; may be empty
};

struct ContainerInstance {
  std::string arn;
  std::string ec2_instance_id;  ///< "mi-..." on ECS Anywhere, which EC2 does not know
};

struct DefinitionPort {
  PortRange container;
  std::string protocol;  ///< "tcp" when absent
};

struct TaskDefinition {
  std::string arn;
  std::string network_mode;  ///< "bridge" when absent
  std::map<std::string, std::vector<DefinitionPort>> ports_by_container;
};

struct Instance {
  sys::SharedText id;
  sys::SharedText state;  ///< "running", "terminated", ...
  sys::SharedText private_ip;
  sys::SharedText public_ip;
  sys::SharedText ipv6;
  sys::SharedText availability_zone;
  bool operator==(const Instance&) const = default;
};

struct NetworkInterface {
  sys::SharedText id;
  sys::SharedText private_ip;
  sys::SharedText public_ip;
  sys::SharedText ipv6;
  bool operator==(const NetworkInterface&) const = default;
};

/// An entry of `failures`.
struct DescribeFailure {
  std::string arn;
  std::string reason;  ///< "MISSING" is evidence that it is gone
};

/// The answer of a Describe call that reports failures beside what it found.
template <typename Item>
struct Described {
  std::vector<Item> items;
  std::vector<DescribeFailure> failures;
};

}  // namespace kite::aws
