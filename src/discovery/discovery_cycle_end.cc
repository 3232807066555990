// How a cycle ends: from what is known to the set, and what the next cycle should know of this one.
// Asking is discovery_cycle.cc.

#include <algorithm>
#include <memory>
#include <utility>

#include "discovery/discovery_cycle.h"

namespace kite::discovery {

void DiscoveryCycle::note_problem(aws::CallError error) {
  poll_.result.note_problem(std::move(error));
  if (poll_.result.throttled) queue_.drop_waiting();
}

bool DiscoveryCycle::is_surveyed() const {
  return survey_ && survey_->version == inventory_.version();
}

void DiscoveryCycle::survey_some() {
  if (!surveyor_ || surveyor_->version() != inventory_.version()) {
    surveyor_.emplace(inventory_, options_.target);
  }
  surveyor_->visit_some(kTasksPerTurn);
  if (!surveyor_->ready()) return;
  survey_ = surveyor_->finish();
  surveyor_.reset();
}

bool DiscoveryCycle::survey_further() {
  if (!is_surveyed()) survey_some();
  if (is_surveyed()) return true;
  queue_.wake();
  return false;
}

const TaskSurvey& DiscoveryCycle::survey() {
  while (!is_surveyed()) survey_some();  // siblings taught us more since it was made
  return *survey_;
}

bool DiscoveryCycle::all_are_known() const {
  return inventory_.tasks().size() == poll_.listed.size();  // and every known task is listed
}

void DiscoveryCycle::add_listing_exclusions(CycleResult& result) const {
  if (all_are_known()) return;
  for (const std::string& arn : poll_.listed) {
    if (poll_.missing.contains(arn)) {
      result.exclusions.push_back({std::string(arn_id(arn)), ExclusionReason::missing,
                                   "it ended between two calls, or is in another cluster"});
    } else if (inventory_.find_task(arn) == nullptr) {
      result.exclusions.push_back({std::string(arn_id(arn)), ExclusionReason::not_described,
                                   "ecs:DescribeTasks has not described it in full yet"});
    }
  }
}

std::vector<std::string> DiscoveryCycle::last_listed() const {
  std::vector<std::string> arns;
  arns.reserve(inventory_.tasks().size() + undescribed_.size());
  for (const auto& [arn, known] : inventory_.tasks()) arns.emplace_back(arn);
  const auto known_end = arns.insert(arns.end(), undescribed_.begin(), undescribed_.end());
  std::inplace_merge(arns.begin(), known_end, arns.end());
  return arns;
}

void DiscoveryCycle::remember() {
  CycleResult& result = poll_.result;
  result.tasks_listed = poll_.listed.size();
  note_undescribed();
  result.oldest_description = inventory_.oldest_description();
}

void DiscoveryCycle::note_undescribed() {
  undescribed_.clear();
  if (all_are_known()) return;
  for (const std::string& arn : poll_.listed) {
    if (inventory_.find_task(arn) == nullptr && !poll_.missing.contains(arn)) {
      undescribed_.push_back(arn);
    }
  }
}

AddressAges DiscoveryCycle::address_ages() const {
  const Freshness& freshness = options_.freshness;
  // A refusal may be an instance that ended: ECS notices later than EC2. A listing of many
  // calls leaves what serves to the next round, which comes within the age of a description.
  const bool many = rounds_of(poll_.listed.size()) > 1;
  const bool leave = many && poll_.occasion.kind == PollKind::listing;
  const sys::Duration later = leave ? freshness.tasks : sys::Duration::zero();
  const sys::Duration usable =
      poll_.occasion.hinted ? freshness.tasks : freshness.addresses + later;
  return {reactor_.now(), usable, std::min(freshness.tasks, freshness.addresses)};
}

bool DiscoveryCycle::is_selected() const {
  return selected_.snapshot != nullptr && selected_.version == inventory_.version();
}

void DiscoveryCycle::select_some() {
  if (!selector_ || selector_->version() != inventory_.version()) {
    selector_.emplace(inventory_.all_tasks(), options_.target, inventory_);
  }
  if (!selector_->ready()) return selector_->look_at_some(kTasksPerTurn);
  Selection selection = selector_->choose();
  selected_.version = selector_->version();
  selector_.reset();
  selected_.exclusions = std::move(selection.exclusions);
  selected_.tasks_disconnected = selection.tasks_disconnected;
  if (selected_.snapshot != nullptr && *selected_.snapshot == selection.snapshot) return;
  selected_.snapshot = std::make_shared<const snapshot::Snapshot>(std::move(selection.snapshot));
}

void DiscoveryCycle::begin_choosing() {
  transition_to(CycleState::choosing);
  choose();
}

/// Choosing among thousands takes some turns, telling of it one more.
void DiscoveryCycle::choose() {
  if (is_selected()) return finish();
  select_some();
  queue_.wake();
}

void DiscoveryCycle::finish() {
  deadline_.cancel();
  if (poll_.result.listing == Listing::failed) {
    empty_listings_ = 0;  // two in a row, and this poll saw nothing
  } else {
    while (!is_selected()) select_some();
    poll_.result.snapshot = selected_.snapshot;
    poll_.result.exclusions = selected_.exclusions;
    poll_.result.tasks_disconnected = selected_.tasks_disconnected;
    add_listing_exclusions(poll_.result);
    remember();
    poll_.result.all_missing = !poll_.listed.empty() && poll_.missing.size() == poll_.listed.size();
  }
  inventory_.trim();
  poll_.result.calls = queue_.started_total() - poll_.calls_before;
  transition_to(CycleState::idle);
  surveyor_.reset();
  selector_.reset();
  // The handler may start the next cycle; what this one gathered goes in the next turn.
  spent_ = std::exchange(poll_, Poll{});
  tidy_.request();
  const CycleResult result = std::move(spent_.result);
  on_done_(result);
}

}  // namespace kite::discovery
