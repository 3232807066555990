#include "discovery/lookup_plan.h"

#include <optional>
#include <string_view>

namespace kite::discovery {

namespace {

/// EC2 never told of it, or too long ago.
bool is_due(std::string_view ec2_id, bool usable, const Inventory& inventory,
            const AddressAges& ages) {
  const std::optional<sys::SteadyTime> told_at = inventory.told_at(ec2_id);
  return !told_at.has_value() || *told_at + (usable ? ages.usable : ages.wanting) <= ages.now;
}

bool is_usable(const aws::Instance* instance, const Target& target) {
  if (instance == nullptr || instance->state != "running") return false;
  if (target.use_public_addresses) return !instance->public_ip.empty();
  return !instance->private_ip.empty() || !instance->ipv6.empty();
}

bool is_usable(const aws::NetworkInterface* interface) {
  return interface != nullptr && !interface->public_ip.empty();
}

/// While all run the same there is nothing to choose, whichever deployment is the PRIMARY one.
bool needs_primary(const TaskSurvey& survey, const Target& target, const Inventory& inventory,
                   const AddressAges& ages) {
  if (!target.primary_deployment_only || !survey.serving_differ) return false;
  const PrimaryDeployment* known = inventory.find_primary(target.service);
  return known == nullptr || known->told_at + ages.wanting <= ages.now;
}

std::vector<std::string> to_list(const TaskSurvey::Texts& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

LookupPlan plan_lookups(const TaskSurvey& survey, const Target& target, const Inventory& inventory,
                        const AddressAges& ages) {
  LookupPlan plan{to_list(survey.container_instances), to_list(survey.definitions), {}, {}};
  for (const std::string_view id : survey.interfaces) {
    if (is_due(id, is_usable(inventory.find_interface(id)), inventory, ages)) {
      plan.interfaces.emplace_back(id);
    }
  }
  if (needs_primary(survey, target, inventory, ages)) plan.services = {target.service};
  return plan;
}

std::vector<std::string> plan_instances(const TaskSurvey& survey, const Target& target,
                                        const Inventory& inventory, const AddressAges& ages) {
  std::vector<std::string> due;
  for (const std::string_view id : survey.instances) {
    const bool usable = is_usable(inventory.find_instance(id), target);
    if (is_due(id, usable, inventory, ages)) due.emplace_back(id);
  }
  return due;
}

}  // namespace kite::discovery
