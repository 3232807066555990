#include "discovery/instance_filter.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sys/endpoint.h"

namespace kite::discovery {

namespace {

/// From here on host ports are Docker's choice and another one for each container.
constexpr uint16_t kDynamicPortsFrom = 32768;

struct Candidate {
  const aws::RegisteredInstance* instance = nullptr;
  std::vector<std::pair<uint16_t, sys::Endpoint>> endpoints;  ///< by container port
};

Exclusion leave_out_instance(const aws::RegisteredInstance& instance, ExclusionReason reason,
                             std::string detail) {
  return Exclusion{std::string(instance.id), reason, std::move(detail)};
}

std::optional<sys::Endpoint> address_of(const aws::RegisteredInstance& instance) {
  for (const sys::SharedText& text : {instance.ipv4, instance.ipv6}) {
    const auto address = sys::Endpoint::parse(text, 0);
    if (address.ok()) return *address;
  }
  return std::nullopt;
}

/// Whether host ports say nothing of the container's: they differ, or are in Docker's range.
bool has_dynamic_ports(const RegisteredById& instances) {
  uint16_t seen = 0;
  for (const auto& [id, instance] : instances) {
    if (!instance.on_instance || instance.port == 0) continue;
    if (instance.port >= kDynamicPortsFrom || (seen != 0 && seen != instance.port)) return true;
    seen = instance.port;
  }
  return false;
}

class Selector {
 public:
  Selector(const RegisteredById& instances, const Target& target)
      : target_(target), dynamic_ports_(has_dynamic_ports(instances)) {}

  void take(const aws::RegisteredInstance& instance) {
    if (const std::string lacking = foreign_attribute(instance); !lacking.empty()) {
      return exclude(instance, ExclusionReason::other_tags, lacking);
    }
    const std::optional<sys::Endpoint> address = address_of(instance);
    if (!address) {
      return exclude(instance, ExclusionReason::no_address,
                     "it has neither AWS_INSTANCE_IPV4 nor AWS_INSTANCE_IPV6");
    }
    Candidate candidate{&instance, {}};
    for (const auto& [port, at] : ports_of(instance)) {
      candidate.endpoints.emplace_back(port, address->with_port(at));
    }
    if (!candidate.endpoints.empty()) return candidates_.push_back(std::move(candidate));
    exclude(instance, ExclusionReason::no_ports, why_no_port(instance));
  }

  Selection finish() {
    apply_health_rule();
    std::vector<snapshot::BackendTask> tasks;
    std::map<uint16_t, snapshot::PortBackends> ports;
    for (const uint16_t port : target_.ports) ports[port].container_port = port;
    for (const Candidate& candidate : candidates_) {
      const auto task_index = static_cast<uint32_t>(tasks.size());
      tasks.push_back({candidate.instance->id, candidate.instance->availability_zone});
      for (const auto& [port, endpoint] : candidate.endpoints) {
        ports[port].container_port = port;
        ports[port].backends.push_back({endpoint, task_index});
      }
    }
    std::vector<snapshot::PortBackends> entries;
    for (auto& [port, entry] : ports) entries.push_back(std::move(entry));
    selection_.snapshot = snapshot::Snapshot(std::move(tasks), std::move(entries));
    return std::move(selection_);
  }

 private:
  std::string foreign_attribute(const aws::RegisteredInstance& instance) const {
    const std::string_view cluster = arn_id(target_.cluster);
    if (!cluster.empty() && instance.cluster != cluster) {
      return "its ECS_CLUSTER_NAME is " + told(instance.cluster);
    }
    if (!target_.family.empty() && instance.family != target_.family) {
      return "its ECS_TASK_DEFINITION_FAMILY is " + told(instance.family);
    }
    return {};
  }

  static std::string told(const sys::SharedText& text) {
    return text.empty() ? "not told" : std::string(text);
  }

  /// Pairs of container port and the port to connect to.
  std::vector<std::pair<uint16_t, uint16_t>> ports_of(
      const aws::RegisteredInstance& instance) const {
    std::vector<std::pair<uint16_t, uint16_t>> ports;
    if (target_.ports.empty()) {
      const bool unclear = instance.on_instance && dynamic_ports_;
      if (instance.port != 0 && !unclear) ports.emplace_back(instance.port, instance.port);
      return ports;
    }
    for (const uint16_t port : target_.ports) {
      if (!instance.on_instance) {
        ports.emplace_back(port, port);
      } else if (instance.port != 0 && (target_.ports.size() == 1 || instance.port == port)) {
        ports.emplace_back(port, instance.port);
      }
    }
    return ports;
  }

  std::string why_no_port(const aws::RegisteredInstance& instance) const {
    if (instance.port == 0) {
      return instance.on_instance
                 ? "it has no AWS_INSTANCE_PORT: give the service an SRV record"
                 : "it has no AWS_INSTANCE_PORT: give -port, or the service an SRV record";
    }
    return "its port " + std::to_string(instance.port) +
           " is its host's, not its container's: give one -port, the container's";
  }

  void exclude(const aws::RegisteredInstance& instance, ExclusionReason reason,
               std::string detail) {
    selection_.exclusions.push_back(leave_out_instance(instance, reason, std::move(detail)));
  }

  /// UNHEALTHY is left out unless all are: then all serve.
  void apply_health_rule() {
    const auto is_unhealthy = [](const Candidate& candidate) {
      return candidate.instance->health == "UNHEALTHY";
    };
    if (std::all_of(candidates_.begin(), candidates_.end(), is_unhealthy)) return;
    for (const Candidate& candidate : candidates_) {
      if (!is_unhealthy(candidate)) continue;
      exclude(*candidate.instance, ExclusionReason::unhealthy, "Cloud Map says UNHEALTHY");
    }
    std::erase_if(candidates_, is_unhealthy);
  }

  const Target& target_;
  const bool dynamic_ports_;
  std::vector<Candidate> candidates_;
  Selection selection_;
};

}  // namespace

Selection select_instances(const RegisteredById& instances, const Target& target) {
  Selector selector(instances, target);
  for (const auto& [id, instance] : instances) selector.take(instance);
  return selector.finish();
}

}  // namespace kite::discovery
