#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kite::aws {

/// What DescribeTasks, DescribeContainerInstances, DescribeTaskDefinition, DescribeInstances and
/// DescribeNetworkInterfaces say, as plain values, reduced to what the kite uses. Every member can
/// be absent on the wire; absent and null become the empty value.
/// Source:    ECS API 2014-11-13, EC2 API 2016-11-15.

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;  ///< inclusive; a single port has first == last
  bool operator==(const PortRange&) const = default;
};

/// One entry of networkBindings: a single port and a range look alike here.
struct PortBinding {
  std::string bind_ip;  ///< empty when absent
  PortRange container;
  PortRange host;        ///< as long as `container`
  std::string protocol;  ///< "tcp" when absent
};

struct Container {
  std::string name;
  std::string last_status;
  std::string health_status;  ///< empty when absent: counts as UNKNOWN
  std::vector<PortBinding> bindings;
};

/// The task's elastic network interface (awsvpc and Fargate).
struct TaskEni {
  std::string eni_id;
  std::string private_ipv4;
  std::string ipv6;
};

struct Task {
  std::string arn;
  std::string definition_arn;
  std::string container_instance_arn;  ///< empty on Fargate
  std::string launch_type;
  std::string group;
  std::string last_status;
  std::string desired_status;
  std::string connectivity;
  std::string availability_zone;
  std::vector<Container> containers;
  std::optional<TaskEni> eni;
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
  std::string id;
  std::string state;  ///< "running", "terminated", ...
  std::string private_ip;
  std::string public_ip;
  std::string ipv6;
  std::string availability_zone;
};

struct NetworkInterface {
  std::string id;
  std::string private_ip;
  std::string public_ip;
  std::string ipv6;
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
