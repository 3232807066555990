#pragma once

#include <string>
#include <vector>

#include "discovery/inventory.h"
#include "discovery/target.h"
#include "discovery/task_survey.h"
#include "sys/clock.h"

namespace kite::discovery {

/// When an address that EC2 told of counts as old.
struct AddressAges {
  sys::SteadyTime now{};
  sys::Duration usable{};   ///< of one that serves
  sys::Duration wanting{};  ///< of one that does not: gone, or without the address that is wanted
};

/// What must still be asked before the tasks that can serve have addresses and ports. Each list is
/// sorted and names each thing once. What is known for ever is not asked again.
struct LookupPlan {
  std::vector<std::string> container_instances;
  std::vector<std::string> definitions;
  std::vector<std::string> interfaces;
  std::vector<std::string> services;  ///< whose PRIMARY deployment decides

  bool empty() const {
    return container_instances.empty() && definitions.empty() && interfaces.empty() &&
           services.empty();
  }
};

/// Pure. Tasks that cannot serve cost nothing; definitions are asked only for host and awsvpc tasks
/// without configured ports, interfaces only for public addresses, a service only while its tasks
/// differ in what they run. DESIGN 37
LookupPlan plan_lookups(const TaskSurvey& survey, const Target& target, const Inventory& inventory,
                        const AddressAges& ages);

/// Pure: the EC2 instances that hold tasks that can serve, once the container instances are known,
/// unless EC2 told of them lately.
/// Never an ECS Anywhere id ("mi-..."): EC2 refuses it as malformed.
std::vector<std::string> plan_instances(const TaskSurvey& survey, const Target& target,
                                        const Inventory& inventory, const AddressAges& ages);

}  // namespace kite::discovery
