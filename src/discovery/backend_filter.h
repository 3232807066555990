#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aws/model.h"
#include "discovery/target.h"
#include "snapshot/snapshot.h"

namespace kite::discovery {

/// Why a listed task is not among the backends. The first two are the cycle's to find out.
enum class ExclusionReason : uint8_t {
  missing,        ///< listed, but DescribeTasks says MISSING
  not_described,  ///< never described yet, because the call failed
  other_revision,
  other_tags,
  not_running,
  container_not_found,
  container_not_running,
  unhealthy,
  other_deployment,
  missing_definition,  ///< ports unknown: DescribeTaskDefinition failed or is not allowed
  no_ports,
  no_address,
  external_instance,  ///< ECS Anywhere: EC2 knows no address
  missing_public_address,
};
inline constexpr size_t kExclusionReasonCount = 14;
/// "not_running" and so on: for logs, counters and scripts.
std::string_view reason_name(ExclusionReason reason);

struct Exclusion {
  std::string task_id;
  ExclusionReason reason = ExclusionReason::missing;
  std::string detail;  ///< for people: what is the case, and what to do where something can be done
  bool operator==(const Exclusion&) const = default;
};

/// `task` is left out for this reason.
Exclusion leave_out(const aws::Task& task, ExclusionReason reason, std::string detail);

struct Selection {
  snapshot::Snapshot snapshot;
  std::vector<Exclusion> exclusions;  ///< one for each task that has no backend, in task order
  size_t tasks_disconnected = 0;      ///< that serve, as far as ECS knew when it lost the agent
};

/// First half of the choice that a BackendSelector makes: what the task says of itself. The
/// container that serves, or why none.
std::variant<const aws::Container*, Exclusion> find_serving_container(const aws::Task& task,
                                                                      const Target& target);

}  // namespace kite::discovery
