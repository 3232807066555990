#include "discovery/borrowed_facts.h"

#include <optional>

#include "discovery/names.h"

namespace kite::discovery {

namespace {

bool knows_later(const std::string& ec2_id, const Inventory& from, const Inventory& to) {
  return from.told_at(ec2_id) > to.told_at(ec2_id);  // nothing is less than any time
}

}  // namespace

void borrow(const LookupPlan& wanted, const Inventory& from, Inventory& to) {
  for (const std::string& arn : wanted.container_instances) {
    const sys::SharedText* id = from.find_instance_id(arn);
    if (id != nullptr) to.learn_container_instance({arn, std::string(id->view())});
  }
  for (const std::string& arn : wanted.definitions) {
    const aws::TaskDefinition* definition = from.find_definition(arn);
    if (definition != nullptr) to.learn_definition(arn, *definition);
  }
  for (const std::string& id : wanted.interfaces) {
    const aws::NetworkInterface* interface = from.find_interface(id);
    if (interface == nullptr || !knows_later(id, from, to)) continue;
    to.learn_interface(*interface, *from.told_at(id));
  }
  for (const std::string& service : wanted.services) {
    const PrimaryDeployment* theirs = from.find_primary(service);
    const PrimaryDeployment* ours = to.find_primary(service);
    if (theirs == nullptr || (ours != nullptr && ours->told_at >= theirs->told_at)) continue;
    to.learn_primary(service, theirs->definition_arn, theirs->told_at);
  }
}

void borrow_instances(const std::vector<std::string>& wanted, const Inventory& from,
                      Inventory& to) {
  for (const std::string& id : wanted) {
    if (!knows_later(id, from, to)) continue;
    const aws::Instance* instance = from.find_instance(id);
    if (instance != nullptr) {
      to.learn_instance(*instance, *from.told_at(id));
    } else {
      to.note_asked({id}, *from.told_at(id));
    }
  }
}

bool overlap(const LookupPlan& one, const LookupPlan& other) {
  return overlap(one.container_instances, other.container_instances) ||
         overlap(one.definitions, other.definitions) || overlap(one.interfaces, other.interfaces) ||
         overlap(one.services, other.services);
}

}  // namespace kite::discovery
