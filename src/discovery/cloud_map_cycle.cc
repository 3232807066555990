#include "discovery/cloud_map_cycle.h"

#include <memory>
#include <utility>

#include "sys/check.h"

namespace kite::discovery {

namespace {

constexpr const char* kDiscover = "servicediscovery:DiscoverInstances";

aws::CloudMapApi::Query query_of(const Target& target) {
  aws::CloudMapApi::Query query{target.namespace_name, target.service, {}};
  for (const Target::Tag& tag : target.tags) query.attributes.push_back({tag.key, tag.value});
  return query;
}

/// An instance without an address can serve nobody; who had one keeps it until it is told another.
bool is_told(const aws::RegisteredInstance& instance) {
  return !instance.ipv4.empty() || !instance.ipv6.empty();
}

}  // namespace

CloudMapCycle::CloudMapCycle(event::Reactor& reactor, aws::CloudMapApi& api, Options options,
                             OnDone on_done)
    : reactor_(reactor),
      api_(api),
      options_(std::move(options)),
      on_done_(on_done),
      query_(query_of(options_.target)),
      deadline_(reactor.timers(), event::Timer::OnDue::to<&CloudMapCycle::on_deadline>(this)),
      queue_(reactor, CallQueue::OnDrained::to<&CloudMapCycle::on_drained>(this)) {}

void CloudMapCycle::start(const Occasion& occasion) {
  KITE_CHECK(!running_, "one poll at a time");
  running_ = true;
  result_ = CycleResult{};
  result_.complete = true;
  calls_before_ = queue_.started_total();
  deadline_.start(reactor_.now() + options_.deadline);
  if (must_ask_instances(occasion)) {
    ask_instances();
  } else {
    ask_revision();
  }
}

bool CloudMapCycle::must_ask_instances(const Occasion& occasion) const {
  if (!revision_.has_value() || occasion.hinted) return true;
  return told_at_ + options_.fresh_for < reactor_.now() + occasion.next_poll_within;
}

std::string_view CloudMapCycle::health_of(std::string_view task_id) const {
  const auto found = instances_.find(task_id);
  return found == instances_.end() ? std::string_view() : found->second.health.view();
}

void CloudMapCycle::on_drained() {
  if (running_) finish();
}

void CloudMapCycle::on_deadline() {
  queue_.clear();
  result_.note_problem(own_error("discovery", "cycle_deadline",
                                 "the cycle did not end in time; what is known is kept",
                                 aws::ErrorClass::cancelled_by_deadline));
  finish();
}

void CloudMapCycle::ask_revision() {
  queue_.add([this](CallQueue::Slot slot) {
    return api_.discover_revision(query_, [this, slot](const aws::CallResult<int64_t>& answer) {
      on_revision(answer);
      queue_.finish(slot);
    });
  });
}

void CloudMapCycle::on_revision(const aws::CallResult<int64_t>& answer) {
  if (answer.ok()) {
    if (*answer != revision_) return ask_instances();
    result_.listing = Listing::complete;
    return;
  }
  const aws::ErrorClass error_class = answer.error().error_class;
  result_.note_problem(answer.error());
  // The role may list instances only, and an endpoint may not know the younger call.
  if (error_class == aws::ErrorClass::denied || error_class == aws::ErrorClass::invalid_request) {
    result_.complete = true;  // told, but nothing is missing when the instances are answered
    ask_instances();
  }
}

void CloudMapCycle::ask_instances() {
  queue_.add([this](CallQueue::Slot slot) {
    return api_.discover_instances(
        query_, [this, slot](const aws::CallResult<aws::RegisteredInstances>& answer) {
          on_instances(answer);
          queue_.finish(slot);
        });
  });
}

void CloudMapCycle::on_instances(const aws::CallResult<aws::RegisteredInstances>& answer) {
  if (!answer.ok()) return result_.note_problem(answer.error());
  if (!answer->instances.empty()) {
    empty_answers_ = 0;
  } else if (++empty_answers_ < 2 && !instances_.empty()) {
    result_.listing = Listing::unconfirmed_empty;
    revision_.reset();  // so that the next poll asks for the instances again
    return;
  }
  result_.listing = Listing::complete;
  result_.listing_cut = answer->instances.size() >= aws::CloudMapApi::kInstancesMax;
  learn(*answer);
}

void CloudMapCycle::learn(const aws::RegisteredInstances& told) {
  RegisteredById instances;
  bool in_full = true;
  for (const aws::RegisteredInstance& instance : told.instances) {
    const auto before = instances_.find(instance.id);
    const bool keep = !is_told(instance) && before != instances_.end() && is_told(before->second);
    in_full = in_full && !keep;
    instances.insert_or_assign(instance.id, keep ? before->second : instance);
  }
  if (!in_full) {
    result_.note_problem(own_error(kDiscover, "incomplete_answer",
                                   "the answer leaves out addresses; what is known is kept"));
  }
  revision_ = in_full ? told.revision : std::nullopt;
  told_at_ = reactor_.now();
  if (selected_.snapshot != nullptr && instances == instances_) return;
  instances_ = std::move(instances);
  Selection selection = select_instances(instances_, options_.target);
  selected_.exclusions = std::move(selection.exclusions);
  if (selected_.snapshot != nullptr && *selected_.snapshot == selection.snapshot) return;
  selected_.snapshot = std::make_shared<const snapshot::Snapshot>(std::move(selection.snapshot));
}

void CloudMapCycle::finish() {
  deadline_.cancel();
  if (result_.listing == Listing::failed) {
    empty_answers_ = 0;  // two in a row, and this poll saw nothing
  } else {
    result_.snapshot = selected_.snapshot;
    result_.exclusions = selected_.exclusions;
    result_.tasks_listed = instances_.size();
  }
  result_.calls = queue_.started_total() - calls_before_;
  running_ = false;
  // The handler may start the next poll, and until then nothing of this one needs room.
  const CycleResult result = std::exchange(result_, CycleResult{});
  on_done_(result);
}

}  // namespace kite::discovery
