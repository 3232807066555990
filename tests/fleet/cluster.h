#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sys/clock.h"

namespace kite::fleet {

/// The services of one ECS cluster as the APIs describe them: bridge tasks on EC2 instances, their
/// answers kept as text, because thousands of kites ask for the same ones. Cloud Map knows the same
/// tasks, with addresses of their own.
class Cluster {
 public:
  static constexpr size_t kPageSize = 100;

  Cluster(size_t services, size_t tasks_per_service);

  static std::string service_name(size_t index) { return "service-" + std::to_string(index); }
  size_t services() const { return services_.size(); }
  size_t tasks(size_t service) const { return services_[service].tasks.size(); }

  /// Starts a RUNNING task. Returns its id, the last part of its ARN.
  std::string start_task(size_t service);
  /// Ends the oldest of the service's tasks.
  void stop_task(size_t service);
  bool runs(size_t service, std::string_view task_id) const;

  /// Bodies of the answers to the requests with these bodies.
  std::string list_tasks(std::string_view request) const;
  std::string describe_tasks(std::string_view request) const;
  std::string describe_container_instances(std::string_view request) const;
  std::string describe_instances(std::string_view request) const;
  std::string discover_instances(std::string_view request) const;
  std::string discover_revision(std::string_view request) const;

 private:
  using Tasks = std::map<std::string, std::string, std::less<>>;  ///< ARN to description

  struct Service {
    Tasks tasks;  ///< without their descriptions
    int64_t revision = 1;
  };

  std::vector<Service> services_;
  uint32_t hosts_;  ///< EC2 instances, which stay
  Tasks all_;
  uint32_t made_ = 0;
};

}  // namespace kite::fleet
