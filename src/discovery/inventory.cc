#include "discovery/inventory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "discovery/target.h"
#include "sys/endpoint.h"
#include "sys/fit.h"

namespace kite::discovery {

namespace {

template <typename Map>
const typename Map::mapped_type* find_in(const Map& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

template <typename Map>
void drop_unused(Map& map, const std::set<std::string_view>& used) {
  if (map.size() <= Inventory::kFactsMax) return;
  std::erase_if(map, [&](const auto& fact) { return !used.contains(fact.first); });
}

}  // namespace

bool instance_is_gone(const aws::Instance& instance) {
  return instance.state == "shutting-down" || instance.state == "terminated" ||
         instance.state == "stopping" || instance.state == "stopped";
}

template <typename Fact>
void Inventory::learn(Facts<Fact>& facts, const sys::SharedText& key, Fact fact) {
  const auto found = facts.find(key);
  if (found != facts.end() && found->second == fact) return;
  facts.insert_or_assign(key, std::move(fact));
  ++version_;
}

void Inventory::learn_task(aws::Task task, sys::SteadyTime told_at) {
  const auto known = tasks_.find(task.arn);
  if (known != tasks_.end() && known->second.task == task) {
    known->second.told_at = told_at;
    return;
  }
  for (sys::SharedText* text :
       {&task.definition_arn, &task.container_instance_arn, &task.last_status, &task.desired_status,
        &task.connectivity, &task.availability_zone}) {
    share(*text);
  }
  for (aws::Container& container : task.containers) {
    share(container.name);
    share(container.last_status);
    share(container.health_status);
    for (aws::PortBinding& binding : container.bindings) {
      share(binding.bind_ip);
      share(binding.protocol);
    }
    sys::fit(container.bindings);
  }
  sys::fit(task.containers);
  if (task.tags.has_value()) {
    for (aws::Tag& tag : *task.tags) {
      share(tag.key);
      share(tag.value);
    }
    sys::fit(*task.tags);
  }
  const sys::SharedText arn = task.arn;
  tasks_.insert_or_assign(arn, KnownTask{std::move(task), told_at});
  ++version_;
}

void Inventory::forget_task(std::string_view arn) {
  const auto found = tasks_.find(arn);
  if (found == tasks_.end()) return;
  tasks_.erase(found);
  ++version_;
}

void Inventory::keep_tasks(const std::vector<std::string>& arns) {
  auto listed = arns.begin();
  const size_t gone = std::erase_if(tasks_, [&](const auto& task) {  // both are sorted
    while (listed != arns.end() && task.first > *listed) ++listed;
    return listed == arns.end() || task.first != *listed;
  });
  if (gone > 0) ++version_;
}

const aws::Task* Inventory::find_task(std::string_view arn) const {
  const KnownTask* known = find_in(tasks_, arn);
  return known == nullptr ? nullptr : &known->task;
}

std::vector<const aws::Task*> Inventory::all_tasks() const {
  std::vector<const aws::Task*> tasks;
  tasks.reserve(tasks_.size());
  for (const auto& [arn, known] : tasks_) tasks.push_back(&known.task);
  return tasks;
}

bool Inventory::is_told_since(std::string_view arn, sys::SteadyTime time) const {
  const KnownTask* known = find_in(tasks_, arn);
  return known != nullptr && known->told_at > time;
}

const aws::Task* Inventory::find_task_by_id(std::string_view id) const {
  if (tasks_.empty()) return nullptr;
  // All are of one cluster, so their ARNs differ in nothing else.
  const std::string_view other = tasks_.begin()->first;
  return find_task(std::string(other.substr(0, other.size() - arn_id(other).size())) +
                   std::string(id));
}

std::optional<sys::SteadyTime> Inventory::oldest_description() const {
  if (tasks_.empty()) return std::nullopt;
  sys::SteadyTime oldest = sys::SteadyTime::max();
  for (const auto& [arn, known] : tasks_) oldest = std::min(oldest, known.told_at);
  return oldest;
}

void Inventory::learn_container_instance(const aws::ContainerInstance& container_instance) {
  if (container_instance.arn.empty() || container_instance.ec2_instance_id.empty()) return;
  learn(instance_ids_, texts_.share(container_instance.arn),
        texts_.share(container_instance.ec2_instance_id));
}

const sys::SharedText* Inventory::find_instance_id(std::string_view container_instance_arn) const {
  return find_in(instance_ids_, container_instance_arn);
}

void Inventory::learn_instance(aws::Instance instance, sys::SteadyTime told_at) {
  if (const aws::Instance* known = find_instance(instance.id); known != nullptr) {
    // Addresses within the VPC are fixed for an instance's life: what is no address is no news.
    if (!sys::Endpoint::parse(instance.private_ip, 0).ok()) instance.private_ip = known->private_ip;
    if (!sys::Endpoint::parse(instance.ipv6, 0).ok()) instance.ipv6 = known->ipv6;
  }
  share(instance.state);
  share(instance.availability_zone);
  const sys::SharedText id = texts_.share(instance.id);
  learn(instances_, id, std::move(instance));
  told_at_.insert_or_assign(id, told_at);
}

const aws::Instance* Inventory::find_instance(std::string_view instance_id) const {
  return find_in(instances_, instance_id);
}

void Inventory::note_asked(const std::vector<std::string>& instance_ids, sys::SteadyTime now) {
  for (const std::string& id : instance_ids) told_at_.insert_or_assign(texts_.share(id), now);
}

void Inventory::learn_interface(aws::NetworkInterface interface, sys::SteadyTime told_at) {
  const sys::SharedText id = interface.id;
  learn(interfaces_, id, std::move(interface));
  told_at_.insert_or_assign(id, told_at);
}

const aws::NetworkInterface* Inventory::find_interface(std::string_view eni_id) const {
  return find_in(interfaces_, eni_id);
}

std::optional<sys::SteadyTime> Inventory::told_at(std::string_view ec2_id) const {
  const sys::SteadyTime* at = find_in(told_at_, ec2_id);
  return at == nullptr ? std::nullopt : std::optional(*at);
}

void Inventory::learn_definition(std::string_view arn, aws::TaskDefinition definition) {
  definitions_.insert_or_assign(texts_.share(arn), std::move(definition));
  ++version_;
}

const aws::TaskDefinition* Inventory::find_definition(std::string_view arn) const {
  return find_in(definitions_, arn);
}

void Inventory::learn_primary(std::string_view service, std::string_view definition_arn,
                              sys::SteadyTime told_at) {
  PrimaryDeployment& primary = primaries_[texts_.share(service)];
  if (primary.definition_arn != definition_arn) ++version_;
  primary = {texts_.share(definition_arn), told_at};
}

const PrimaryDeployment* Inventory::find_primary(std::string_view service) const {
  return find_in(primaries_, service);
}

void Inventory::trim() {
  texts_.trim();
  const size_t largest = std::max({instance_ids_.size(), instances_.size(), interfaces_.size(),
                                   definitions_.size(), told_at_.size() / 2});
  if (largest <= kFactsMax) return;
  std::set<std::string_view> container_instances;
  std::set<std::string_view> instances;
  std::set<std::string_view> interfaces;
  std::set<std::string_view> definitions;
  for (const auto& [arn, known] : tasks_) {
    const aws::Task& task = known.task;
    definitions.insert(task.definition_arn);
    container_instances.insert(task.container_instance_arn);
    if (const sys::SharedText* id = find_instance_id(task.container_instance_arn); id != nullptr) {
      instances.insert(*id);
    }
    if (task.eni.has_value()) interfaces.insert(task.eni->eni_id);
  }
  // Instances first: their set borrows from the container instances.
  drop_unused(instances_, instances);
  drop_unused(instance_ids_, container_instances);
  drop_unused(interfaces_, interfaces);
  drop_unused(definitions_, definitions);
  std::erase_if(told_at_, [&](const auto& told) {
    return !instances_.contains(told.first) && !interfaces_.contains(told.first);
  });
}

size_t Inventory::fact_count() const {
  return instance_ids_.size() + instances_.size() + interfaces_.size() + definitions_.size();
}

}  // namespace kite::discovery
