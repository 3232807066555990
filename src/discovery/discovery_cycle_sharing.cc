// What a cycle has in common with those of other targets of its cluster: calls that are put off
// because a sibling's answer may make them needless, room in calls, answers. DESIGN 57
// Whatever is told to a sibling here only changes what it knows and asks for a turn of its own.

#include <algorithm>
#include <utility>

#include "discovery/borrowed_facts.h"
#include "discovery/discovery_cycle.h"
#include "discovery/evidence.h"
#include "discovery/names.h"

namespace kite::discovery {

namespace {

template <typename Matches>
const DiscoveryCycle* find_in(const std::vector<DiscoveryCycle*>& cycles, Matches matches) {
  const auto found = std::find_if(cycles.begin(), cycles.end(),
                                  [&](const DiscoveryCycle* cycle) { return matches(*cycle); });
  return found == cycles.end() ? nullptr : *found;
}

}  // namespace

std::vector<DiscoveryCycle*> DiscoveryCycle::siblings() const {
  std::vector<DiscoveryCycle*> found;
  if (sharing_.siblings == nullptr) return found;
  for (DiscoveryCycle* cycle : sharing_.siblings->all()) {
    const bool same = cycle->options_.target.cluster == options_.target.cluster;
    if (cycle != this && same) found.push_back(cycle);
  }
  return found;
}

bool DiscoveryCycle::asks_the_list_of(const DiscoveryCycle& other) const {
  return options_.target.family == other.options_.target.family &&
         options_.target.service == other.options_.target.service;
}

void DiscoveryCycle::tell_throttling() {
  if (sharing_.siblings == nullptr) return;
  for (const DiscoveryCycle* cycle : sharing_.siblings->all()) {  // of every cluster: one budget
    if (cycle != this && cycle->sharing_.on_news) cycle->sharing_.on_news(News::throttled);
  }
}

// Waiting for a sibling's answer.

const DiscoveryCycle* DiscoveryCycle::who_lists() const {
  return find_in(siblings(), [this](const DiscoveryCycle& other) {
    return other.is_asking(CycleState::listing) && lists(other.poll_.occasion.kind) &&
           asks_the_list_of(other);
  });
}

const DiscoveryCycle* DiscoveryCycle::who_describes(const std::vector<std::string>& plan) const {
  if (plan.empty()) return nullptr;
  const bool begins = inventory_.tasks().empty();
  return find_in(siblings(), [&](const DiscoveryCycle& other) {
    // Those that begin side by side describe in one call.
    if (begins && !other.listed_once_ && other.is_asking(CycleState::listing)) return true;
    return other.is_asking(CycleState::describing_tasks) && overlap(plan, other.poll_.described);
  });
}

const DiscoveryCycle* DiscoveryCycle::who_looks_up(
    const LookupPlan& plan, const std::vector<std::string>& instances) const {
  if (plan.empty() && instances.empty()) return nullptr;
  return find_in(siblings(), [&](const DiscoveryCycle& other) {
    if (other.is_asking(CycleState::looking_up)) return overlap(plan, other.poll_.lookups);
    return other.is_asking(CycleState::describing_instances) &&
           overlap(instances, other.poll_.instances);
  });
}

bool DiscoveryCycle::hold(const DiscoveryCycle* by, Step step) {
  if (by == nullptr || patience_over_) return false;
  held_by_ = by;
  held_step_ = step;
  if (!patience_.armed()) patience_.start(reactor_.now() + kPatience);
  return true;
}

void DiscoveryCycle::stir_siblings() {
  for (DiscoveryCycle* sibling : siblings()) sibling->stir(this);
}

void DiscoveryCycle::stir(const DiscoveryCycle* by) {
  if (!is_held() || held_by_ != by) return;
  // Patience begins anew. Still, half of the time is for asking ourselves.
  const sys::SteadyTime latest = poll_.begun + options_.deadline / 2;
  patience_.start(std::min(reactor_.now() + kPatience, latest));
  resume_.request();
}

void DiscoveryCycle::on_resume() {
  const Step step = std::exchange(held_step_, nullptr);
  if (step != nullptr) (this->*step)();
}

void DiscoveryCycle::on_patience_over() {
  patience_over_ = true;
  on_resume();
}

void DiscoveryCycle::leave_phase() {
  held_step_ = nullptr;
  patience_.cancel();
  resume_.cancel();
  stir_siblings();
}

// The list.

void DiscoveryCycle::give_list() {
  for (DiscoveryCycle* sibling : siblings()) {
    if (!sibling->asks_the_list_of(*this)) continue;
    if (sibling->state_ == CycleState::listing && sibling->is_held()) {
      sibling->take_list(poll_.listed);
    } else if (sibling->state_ == CycleState::idle && sibling->sharing_.on_news) {
      sibling->given_list_ = poll_.listed;
      sibling->sharing_.on_news(News::listed);
    }
  }
}

void DiscoveryCycle::take_list(const std::vector<std::string>& arns) {
  held_step_ = nullptr;
  patience_.cancel();
  poll_.listed = arns;
  poll_.list_given = true;
  poll_.result.listing = Listing::complete;
  queue_.wake();
}

// Descriptions.

sys::SteadyTime DiscoveryCycle::half_a_round_ago() const {
  return reactor_.now() - options_.freshness.tasks / 2;
}

ToldLately DiscoveryCycle::told_lately() const {
  if (siblings().empty()) return {};
  return {poll_.begun, poll_.occasion.hinted ? poll_.begun : half_a_round_ago()};
}

void DiscoveryCycle::fill_room() {
  const std::vector<DiscoveryCycle*> others = siblings();
  if (others.empty() || poll_.described.empty()) return;
  std::vector<Offer> offers;
  offer_tasks(offers);
  for (const DiscoveryCycle* other : others) other->offer_tasks(offers);
  for (const DiscoveryCycle* other : others) {
    if (!other->is_asking(CycleState::describing_tasks)) continue;
    std::erase_if(offers,
                  [&](const Offer& offer) { return holds(other->poll_.described, offer.arn); });
  }
  poll_.described = fill_descriptions(std::move(poll_.described), std::move(offers));
  for (const std::string& arn : poll_.described) {
    if (!holds(poll_.listed, arn)) poll_.filled.push_back(arn);
  }
}

void DiscoveryCycle::offer_tasks(std::vector<Offer>& offers) const {
  // Who has more fills calls of its own.
  if (rounds_of(inventory_.tasks().size()) > 1) return;
  for (const auto& [arn, known] : inventory_.tasks()) {
    if (known.told_at < half_a_round_ago())
      offers.push_back({std::string(arn.view()), known.told_at});
  }
  if (state_ != CycleState::describing_tasks || !is_held()) return;
  for (const std::string& arn : poll_.described) {
    if (inventory_.find_task(arn) == nullptr) offers.push_back({arn, {}});
  }
}

bool DiscoveryCycle::lists_task(std::string_view arn) const {
  if (state_ != CycleState::idle && state_ != CycleState::listing) return holds(poll_.listed, arn);
  return inventory_.find_task(arn) != nullptr || holds(undescribed_, arn);
}

aws::EcsApi::TaskTags DiscoveryCycle::tags_for(std::span<const std::string> arns) const {
  if (!options_.target.tags.empty()) return aws::EcsApi::TaskTags::include;
  for (const DiscoveryCycle* sibling : siblings()) {
    if (sibling->options_.target.tags.empty()) continue;
    for (const std::string& arn : arns) {
      if (sibling->lists_task(arn)) return aws::EcsApi::TaskTags::include;
    }
  }
  return aws::EcsApi::TaskTags::leave_out;
}

void DiscoveryCycle::tell_siblings(const TaskAsk& ask, const aws::Described<aws::Task>& answer) {
  for (DiscoveryCycle* sibling : siblings()) {
    sibling->be_told(ask, answer);
    sibling->stir(this);
  }
}

void DiscoveryCycle::be_told(const TaskAsk& ask, const aws::Described<aws::Task>& answer) {
  if (ask.tags == aws::EcsApi::TaskTags::leave_out && !options_.target.tags.empty()) return;
  const uint64_t before = inventory_.version();
  bool renewed = false;
  const auto may_tell = [&](std::string_view arn) {
    return holds(ask.arns, arn) && lists_task(arn) && !inventory_.is_told_since(arn, ask.asked_at);
  };
  for (const aws::Task& task : answer.items) {
    if (!may_tell(task.arn) || !is_told(task, inventory_.find_task(task.arn))) continue;
    inventory_.learn_task(task, reactor_.now());
    std::erase(undescribed_, task.arn);
    renewed = true;
  }
  for (const aws::DescribeFailure& failure : answer.failures) {
    if (failure.reason != "MISSING" || !may_tell(failure.arn)) continue;
    inventory_.forget_task(failure.arn);
    std::erase(undescribed_, failure.arn);
    if (running()) poll_.missing.insert(failure.arn);
    renewed = true;
  }
  if (!renewed || !sharing_.on_news) return;
  sharing_.on_news(inventory_.version() == before ? News::renewed : News::told);
}

// Instances, interfaces, definitions.

LookupPlan DiscoveryCycle::plan_own_lookups() {
  LookupPlan plan = plan_lookups(survey(), options_.target, inventory_, address_ages());
  const std::vector<DiscoveryCycle*> others = siblings();
  if (plan.empty() || others.empty()) return plan;
  for (const DiscoveryCycle* other : others) borrow(plan, other->inventory_, inventory_);
  return plan_lookups(survey(), options_.target, inventory_, address_ages());
}

std::vector<std::string> DiscoveryCycle::plan_own_instances() {
  std::vector<std::string> plan =
      plan_instances(survey(), options_.target, inventory_, address_ages());
  const std::vector<DiscoveryCycle*> others = siblings();
  if (plan.empty() || others.empty()) return plan;
  for (const DiscoveryCycle* other : others) borrow_instances(plan, other->inventory_, inventory_);
  return plan_instances(survey(), options_.target, inventory_, address_ages());
}

void DiscoveryCycle::fill_lookups() {
  LookupPlan& plan = poll_.lookups;
  if (plan.container_instances.empty() && plan.interfaces.empty()) return;
  for (DiscoveryCycle* sibling : siblings()) {
    const LookupPlan theirs = sibling->plan_own_lookups();
    fill_chunk(plan.container_instances, theirs.container_instances, aws::EcsApi::kDescribeMax);
    fill_chunk(plan.interfaces, theirs.interfaces, aws::Ec2Api::kFilterValuesMax);
  }
}

void DiscoveryCycle::fill_instances() {
  if (poll_.instances.empty()) return;
  for (DiscoveryCycle* sibling : siblings()) {
    sibling->plan_own_lookups();  // which instances it needs may be known here alone
    fill_chunk(poll_.instances, sibling->plan_own_instances(), aws::Ec2Api::kFilterValuesMax);
  }
}

}  // namespace kite::discovery
