#include "discovery/backend_address.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kite::discovery {

namespace {

/// Where an instance or interface is reached. The private address is what its host binds: a public
/// IPv4 address is translated to it before a packet arrives.
struct Addresses {
  std::optional<sys::Endpoint> v4;
  std::optional<sys::Endpoint> v6;
  std::optional<sys::Endpoint> private_v4;

  bool none() const { return !v4.has_value() && !v6.has_value(); }
  sys::Endpoint preferred() const { return v4.has_value() ? *v4 : *v6; }
};

/// The addresses AWS gave as text, in the fields that instances and interfaces share.
struct AddressTexts {
  std::string_view private_ip;
  std::string_view public_ip;
  std::string_view ipv6;
};

std::optional<sys::Endpoint> parse_address(std::string_view text) {
  if (text.empty()) return std::nullopt;  // most have no IPv6 or no public address
  const auto parsed = sys::Endpoint::parse(text, 0);
  if (!parsed.ok()) return std::nullopt;
  return *parsed;
}

/// AWS's IPv6 addresses are public ones. They stand in only where there is no IPv4 at all: a kite
/// in a bridge container usually has no IPv6.
Addresses choose_addresses(const AddressTexts& texts, bool use_public) {
  Addresses chosen;
  chosen.private_v4 = parse_address(texts.private_ip);
  chosen.v4 = use_public ? parse_address(texts.public_ip) : chosen.private_v4;
  if (!use_public || !chosen.private_v4.has_value()) chosen.v6 = parse_address(texts.ipv6);
  return chosen;
}

std::variant<Addresses, Exclusion> instance_addresses(const aws::Task& task, bool use_public,
                                                      const Inventory& inventory) {
  const sys::SharedText* id = inventory.find_instance_id(task.container_instance_arn);
  if (id == nullptr) {
    return leave_out(task, ExclusionReason::no_address,
                     "container instance " + std::string(arn_id(task.container_instance_arn)) +
                         " could not be described");
  }
  if (!id->view().starts_with("i-")) {
    return leave_out(task, ExclusionReason::external_instance,
                     "runs on external instance " + *id + ", which has no EC2 address");
  }
  const aws::Instance* instance = inventory.find_instance(*id);
  if (instance == nullptr) {
    return leave_out(task, ExclusionReason::no_address, "EC2 does not show instance " + *id);
  }
  if (instance_is_gone(*instance)) {
    return leave_out(task, ExclusionReason::no_address,
                     "instance " + *id + " is " + instance->state);
  }
  const Addresses addresses =
      choose_addresses({instance->private_ip, instance->public_ip, instance->ipv6}, use_public);
  if (!addresses.none()) return addresses;
  if (use_public) {
    return leave_out(task, ExclusionReason::missing_public_address,
                     "instance " + *id + " has no public address");
  }
  return leave_out(task, ExclusionReason::no_address, "instance " + *id + " has no address");
}

std::variant<Addresses, Exclusion> eni_addresses(const aws::Task& task, bool use_public,
                                                 const Inventory& inventory) {
  const aws::TaskEni& eni = *task.eni;
  const aws::NetworkInterface* interface =
      use_public ? inventory.find_interface(eni.eni_id) : nullptr;
  const std::string_view public_ip =
      interface == nullptr ? std::string_view() : std::string_view(interface->public_ip);
  const Addresses addresses = choose_addresses({eni.private_ipv4, public_ip, eni.ipv6}, use_public);
  if (!addresses.none()) return addresses;
  if (use_public && !eni.private_ipv4.empty()) {
    return leave_out(task, ExclusionReason::missing_public_address,
                     interface == nullptr ? "EC2 does not show interface " + eni.eni_id
                                          : "interface " + eni.eni_id + " has no public address");
  }
  return leave_out(task, ExclusionReason::no_address, "its network interface has no address yet");
}

bool wanted(const Target& target, uint32_t port) {
  return target.ports.empty() ||
         std::find(target.ports.begin(), target.ports.end(), port) != target.ports.end();
}

bool is_tcp(std::string_view protocol) {
  return protocol.empty() || protocol == "tcp";
}

void add_once(std::vector<sys::Endpoint>& endpoints, const sys::Endpoint& endpoint) {
  if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
    endpoints.push_back(endpoint);
  }
}

/// Host and awsvpc containers: the container port is the port.
std::variant<PortEndpoints, Exclusion> locate_direct(const aws::Task& task,
                                                     const aws::Container& container,
                                                     const Target& target,
                                                     const sys::Endpoint& address,
                                                     const aws::TaskDefinition* definition) {
  PortEndpoints located;
  for (const uint16_t port : target.ports) add_once(located[port], address.with_port(port));
  if (!target.ports.empty()) return located;
  if (definition == nullptr) {
    return leave_out(task, ExclusionReason::missing_definition,
                     "its ports are unknown: allow ecs:DescribeTaskDefinition or give -port");
  }
  const auto ports = definition->ports_by_container.find(std::string(container.name));
  if (ports != definition->ports_by_container.end()) {
    for (const aws::DefinitionPort& mapping : ports->second) {
      if (!is_tcp(mapping.protocol) || mapping.container.first == 0) continue;
      for (uint32_t port = mapping.container.first; port <= mapping.container.last; ++port) {
        const auto number = static_cast<uint16_t>(port);
        add_once(located[number], address.with_port(number));
      }
    }
  }
  if (!located.empty()) return located;
  return leave_out(task, ExclusionReason::no_ports,
                   "its task definition maps no tcp port: add portMappings or give -port");
}

/// Whether a packet to `address` arrives at a socket bound to `bind_ip`.
bool reaches(std::string_view bind_ip, const sys::Endpoint& address,
             const std::optional<sys::Endpoint>& private_v4) {
  if (bind_ip.empty() || bind_ip == "0.0.0.0") return !address.is_v6();
  const std::optional<sys::Endpoint> bound = parse_address(bind_ip);
  if (!bound.has_value() || bound->is_v6() != address.is_v6() || bound->is_loopback()) return false;
  return bound->is_unspecified() || *bound == address || (!address.is_v6() && bound == private_v4);
}

void add_binding(PortEndpoints& located, const aws::PortBinding& binding, const Target& target,
                 const sys::Endpoint& address) {
  for (uint32_t port = binding.container.first; port <= binding.container.last; ++port) {
    if (!wanted(target, port)) continue;
    const uint32_t host_port = binding.host.first + (port - binding.container.first);
    add_once(located[static_cast<uint16_t>(port)],
             address.with_port(static_cast<uint16_t>(host_port)));
  }
}

bool well_formed(const aws::PortBinding& binding) {
  return binding.container.first != 0 && binding.host.first != 0 &&
         binding.container.last >= binding.container.first &&
         binding.container.last - binding.container.first == binding.host.last - binding.host.first;
}

/// Bridge containers: the host ports of the bindings that the address reaches. IPv6 bindings count
/// for a port only where IPv4 has none: both name the same container.
std::variant<PortEndpoints, Exclusion> locate_bindings(const aws::Task& task,
                                                       const aws::Container& container,
                                                       const Target& target,
                                                       const Addresses& addresses) {
  PortEndpoints by_v4;
  PortEndpoints by_v6;
  for (const aws::PortBinding& binding : container.bindings) {
    if (!is_tcp(binding.protocol) || !well_formed(binding)) continue;
    if (addresses.v4.has_value() && reaches(binding.bind_ip, *addresses.v4, addresses.private_v4)) {
      add_binding(by_v4, binding, target, *addresses.v4);
    }
    if (addresses.v6.has_value() && reaches(binding.bind_ip, *addresses.v6, std::nullopt)) {
      add_binding(by_v6, binding, target, *addresses.v6);
    }
  }
  by_v4.merge(by_v6);  // leaves the ports that IPv4 has
  if (!by_v4.empty()) return by_v4;
  return leave_out(task, ExclusionReason::no_ports,
                   container.bindings.empty() ? "no port is bound on its instance yet"
                                              : "none of its bindings is a wanted tcp port that "
                                                "can be reached from outside its instance");
}

}  // namespace

std::variant<PortEndpoints, Exclusion> locate(const aws::Task& task,
                                              const aws::Container& container, NetworkMode mode,
                                              const Target& target, const Inventory& inventory) {
  if (mode == NetworkMode::unreachable) {
    return leave_out(task, ExclusionReason::no_address,
                     "it has no network interface yet, or its network mode is none");
  }
  const aws::TaskDefinition* definition = inventory.find_definition(task.definition_arn);
  if (mode == NetworkMode::unknown) {
    return leave_out(task, ExclusionReason::missing_definition,
                     "its network mode and ports are unknown: allow ecs:DescribeTaskDefinition or "
                     "give -port");
  }
  const std::variant<Addresses, Exclusion> found =
      mode == NetworkMode::task_eni
          ? eni_addresses(task, target.use_public_addresses, inventory)
          : instance_addresses(task, target.use_public_addresses, inventory);
  if (const auto* exclusion = std::get_if<Exclusion>(&found)) return *exclusion;
  const Addresses& addresses = *std::get_if<Addresses>(&found);
  if (mode == NetworkMode::bridge) return locate_bindings(task, container, target, addresses);
  return locate_direct(task, container, target, addresses.preferred(), definition);
}

}  // namespace kite::discovery
