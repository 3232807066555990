#include "discovery/discovery_cycle.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "discovery/evidence.h"
#include "discovery/names.h"
#include "sys/check.h"

namespace kite::discovery {

DiscoveryCycle::DiscoveryCycle(event::Reactor& reactor, aws::EcsApi& ecs, aws::Ec2Api& ec2,
                               Inventory& inventory, Options options, OnDone on_done,
                               Sharing sharing)
    : reactor_(reactor),
      ecs_(ecs),
      ec2_(ec2),
      inventory_(inventory),
      options_(std::move(options)),
      on_done_(on_done),
      sharing_(sharing),
      deadline_(reactor.timers(), event::Timer::OnDue::to<&DiscoveryCycle::on_deadline>(this)),
      patience_(reactor.timers(), event::Timer::OnDue::to<&DiscoveryCycle::on_patience_over>(this)),
      tidy_(reactor, event::Continuation::OnTurn::to<&DiscoveryCycle::on_tidy>(this)),
      resume_(reactor, event::Continuation::OnTurn::to<&DiscoveryCycle::on_resume>(this)),
      queue_(reactor, CallQueue::OnDrained::to<&DiscoveryCycle::on_drained>(this)) {
  if (sharing_.siblings != nullptr) sharing_.siblings->enter(*this);
}

DiscoveryCycle::~DiscoveryCycle() {
  if (sharing_.siblings == nullptr) return;
  sharing_.siblings->leave(*this);
  stir_siblings();
}

void DiscoveryCycle::start(const Occasion& occasion) {
  transition_to(CycleState::listing);
  poll_.occasion = occasion;
  poll_.begun = reactor_.now();
  patience_over_ = false;
  poll_.result.complete = true;
  poll_.calls_before = queue_.started_total();
  deadline_.start(reactor_.now() + options_.deadline);
  if (lists(occasion.kind)) return begin_listing();
  poll_.result.listing = Listing::skipped;
  poll_.listed = last_listed();
  queue_.wake();
}

std::string_view DiscoveryCycle::health_of(std::string_view task_id) const {
  const aws::Task* task = inventory_.find_task_by_id(task_id);
  if (task == nullptr) return {};
  const auto found = find_serving_container(*task, options_.target);
  const auto* container = std::get_if<const aws::Container*>(&found);
  return container == nullptr ? std::string_view() : (*container)->health_status.view();
}

void DiscoveryCycle::transition_to(CycleState next) {
  KITE_CHECK(may_become(state_, next), "the phases of a cycle have one order");
  leave_phase();
  state_ = next;
}

/// Once calls were refused for their number more would be too: the next poll goes on there.
void DiscoveryCycle::on_drained() {
  switch (state_) {
    case CycleState::idle:
      return;
    case CycleState::listing:
      return after_listing();
    case CycleState::planning:
      return plan();
    case CycleState::describing_tasks:
      if (poll_.result.throttled) return begin_choosing();
      if (!survey_further()) return;
      transition_to(CycleState::looking_up);
      return begin_lookups();
    case CycleState::looking_up:
      if (poll_.result.throttled) return begin_choosing();
      if (!survey_further()) return;
      transition_to(CycleState::describing_instances);
      return begin_instances();
    case CycleState::describing_instances:
      return begin_choosing();
    case CycleState::choosing:
      return choose();
  }
}

void DiscoveryCycle::on_deadline() {
  queue_.clear();
  if (state_ == CycleState::choosing) return finish();  // no call is under way
  aws::CallError error = own_error("discovery", "cycle_deadline",
                                   "the cycle did not end in time; what is known is kept",
                                   aws::ErrorClass::cancelled_by_deadline);
  if (state_ == CycleState::listing) {
    fail_listing(std::move(error));
  } else {
    note_problem(std::move(error));
  }
  finish();
}

// Listing.

void DiscoveryCycle::begin_listing() {
  if (given_list_) {
    take_list(*std::exchange(given_list_, std::nullopt));
  } else if (!hold(who_lists(), &DiscoveryCycle::begin_listing)) {
    ask_task_page("");
  }
}

void DiscoveryCycle::ask_task_page(const std::string& token) {
  queue_.add([this, token](CallQueue::Slot slot) {
    const Target& target = options_.target;
    return ecs_.list_tasks({target.cluster, target.family, target.service, token},
                           [this, token, slot](aws::CallResult<aws::EcsApi::TaskPage> answer) {
                             on_task_page(token, std::move(answer));
                             queue_.finish(slot);
                           });
  });
}

void DiscoveryCycle::on_task_page(const std::string& token,
                                  aws::CallResult<aws::EcsApi::TaskPage> answer) {
  if (!answer.ok()) {
    // A token can expire between two pages; ECS then calls the request invalid.
    if (token.empty() || poll_.listing_restarted ||
        answer.error().error_class != aws::ErrorClass::invalid_request) {
      return fail_listing(answer.error());
    }
    poll_.listing_restarted = true;
    poll_.listed.clear();
    poll_.pages = 0;
    return ask_task_page("");
  }
  std::move(answer->task_arns.begin(), answer->task_arns.end(), std::back_inserter(poll_.listed));
  ++poll_.pages;
  stir_siblings();
  if (answer->next_token.empty()) {
    poll_.result.listing = Listing::complete;
  } else if (poll_.pages < kPagesMax) {
    ask_task_page(answer->next_token);
  } else {
    fail_listing(own_error("ecs:ListTasks", "too_many_pages",
                           "the list of tasks does not end after " + std::to_string(kPagesMax) +
                               " pages; what is known is kept"));
  }
}

void DiscoveryCycle::fail_listing(aws::CallError error) {
  poll_.result.listing = Listing::failed;
  note_problem(std::move(error));
}

void DiscoveryCycle::after_listing() {
  if (poll_.result.listing == Listing::failed) return finish();
  if (poll_.result.listing == Listing::skipped) {
    transition_to(CycleState::planning);
    return plan();
  }
  sort_names(poll_.listed);
  listed_once_ = true;
  if (!poll_.list_given) give_list();
  if (!poll_.listed.empty()) {
    empty_listings_ = 0;
    listed_some_ = true;
  } else if (++empty_listings_ < 2 && listed_some_) {
    poll_.result.listing = Listing::unconfirmed_empty;
    return finish();
  } else {
    listed_some_ = false;
  }
  inventory_.keep_tasks(poll_.listed);
  transition_to(CycleState::planning);
  plan();
}

void DiscoveryCycle::plan() {
  if (!survey_further()) return;
  transition_to(CycleState::describing_tasks);
  begin_descriptions();
}

void DiscoveryCycle::begin_descriptions() {
  poll_.described =
      plan_descriptions(poll_.listed, survey(), options_.freshness, poll_.occasion, told_lately());
  std::erase_if(poll_.described,  // as a sibling has just been told
                [this](const std::string& arn) { return poll_.missing.contains(arn); });
  if (hold(who_describes(poll_.described), &DiscoveryCycle::begin_descriptions)) return;
  fill_room();
  in_chunks(poll_.described, aws::EcsApi::kDescribeMax, [this](Names arns) { ask_tasks(arns); });
  queue_.wake();
}

// Describing tasks.

void DiscoveryCycle::ask_tasks(std::span<const std::string> arns) {
  queue_.add([this, arns](CallQueue::Slot slot) {
    const TaskAsk ask{arns, tags_for(arns), reactor_.now()};
    return ecs_.describe_tasks(options_.target.cluster, to_list(arns), ask.tags,
                               [this, ask, slot](TasksAnswer answer) {
                                 on_tasks(ask, std::move(answer));
                                 queue_.finish(slot);
                               });
  });
}

void DiscoveryCycle::on_tasks(const TaskAsk& ask, TasksAnswer answer) {
  if (!answer.ok()) return note_problem(answer.error());
  tell_siblings(ask, *answer);
  std::set<sys::SharedText> settled;
  const auto is_own = [&](std::string_view arn) {
    return holds(ask.arns, arn) && !holds(poll_.filled, arn);
  };
  for (aws::Task& task : answer->items) {
    if (!is_own(task.arn) || !is_told(task, inventory_.find_task(task.arn))) continue;
    settled.insert(task.arn);
    if (inventory_.is_told_since(task.arn, ask.asked_at)) continue;
    inventory_.learn_task(std::move(task), reactor_.now());
  }
  for (const aws::DescribeFailure& failure : answer->failures) {
    if (!is_own(failure.arn)) continue;
    settled.insert(failure.arn);
    if (failure.reason == "MISSING") {
      inventory_.forget_task(failure.arn);
      poll_.missing.insert(failure.arn);
      continue;
    }
    note_problem(own_error("ecs:DescribeTasks", failure.reason.c_str(),
                           "a task could not be described: " + failure.reason));
  }
  if (settled.size() <
      static_cast<size_t>(std::count_if(ask.arns.begin(), ask.arns.end(), is_own))) {
    note_problem(own_error("ecs:DescribeTasks", "incomplete_answer",
                           "the answer leaves out tasks or their state; what is known is kept"));
  }
}

// Looking up.

void DiscoveryCycle::begin_lookups() {
  poll_.lookups = plan_own_lookups();
  if (hold(who_looks_up(poll_.lookups, {}), &DiscoveryCycle::begin_lookups)) return;
  fill_lookups();
  const LookupPlan& plan = poll_.lookups;
  in_chunks(plan.container_instances, aws::EcsApi::kDescribeMax,
            [this](Names arns) { ask_container_instances(to_list(arns)); });
  for (const std::string& arn : plan.definitions) ask_definition(arn);
  for (const std::string& service : plan.services) ask_service(service);
  in_chunks(plan.interfaces, aws::Ec2Api::kFilterValuesMax, [this](Names ids) {
    ask_interfaces({to_list(ids), "", 0, false});
  });
  queue_.wake();
}

void DiscoveryCycle::ask_container_instances(std::vector<std::string> arns) {
  queue_.add([this, arns = std::move(arns)](CallQueue::Slot slot) {
    return ecs_.describe_container_instances(
        options_.target.cluster, arns,
        [this, slot](aws::CallResult<aws::Described<aws::ContainerInstance>> answer) {
          if (answer.ok()) {
            // One that is not in the answer leaves its tasks without an address, with a reason.
            for (const auto& item : answer->items) inventory_.learn_container_instance(item);
          } else {
            note_problem(answer.error());
          }
          queue_.finish(slot);
        });
  });
}

void DiscoveryCycle::ask_definition(std::string arn) {
  queue_.add([this, arn = std::move(arn)](CallQueue::Slot slot) {
    return ecs_.describe_task_definition(
        arn, [this, arn, slot](aws::CallResult<aws::TaskDefinition> answer) {
          on_definition(arn, std::move(answer));
          queue_.finish(slot);
        });
  });
}

void DiscoveryCycle::on_definition(const std::string& arn,
                                   aws::CallResult<aws::TaskDefinition> answer) {
  if (!answer.ok()) return note_problem(answer.error());
  // It is kept for ever, so a wrong one must not get in.
  if (answer->arn != arn || answer->ports_by_container.empty()) {
    return note_problem(own_error("ecs:DescribeTaskDefinition", "incomplete_answer",
                                  "the answer lacks containers or is about something else"));
  }
  inventory_.learn_definition(arn, std::move(*answer));
}

void DiscoveryCycle::ask_service(std::string service) {
  queue_.add([this, service = std::move(service)](CallQueue::Slot slot) {
    return ecs_.describe_service(
        options_.target.cluster, service,
        [this, service, slot](aws::CallResult<aws::ServiceRollout> answer) {
          if (!answer.ok()) {
            note_problem(answer.error());
          } else if (answer->primary_definition_arn.empty()) {
            note_problem(own_error("ecs:DescribeServices", "incomplete_answer",
                                   "the answer names no PRIMARY deployment of " + service));
          } else {
            inventory_.learn_primary(service, answer->primary_definition_arn, reactor_.now());
          }
          queue_.finish(slot);
        });
  });
}

template <typename Page>
bool DiscoveryCycle::next_page(PagedAsk& ask, const aws::CallResult<Page>& answer,
                               const char* operation) {
  if (!answer.ok()) {
    const bool token_expired = !ask.token.empty() && !ask.restarted &&
                               answer.error().error_class == aws::ErrorClass::invalid_request;
    if (!token_expired) {
      note_problem(answer.error());
      return false;
    }
    ask = PagedAsk{std::move(ask.ids), "", 0, true};
    return true;
  }
  if (answer->next_token.empty()) return false;
  if (++ask.page >= kPagesMax) {
    note_problem(own_error(operation, "too_many_pages", "the answer does not end"));
    return false;
  }
  ask.token = answer->next_token;
  return true;
}

void DiscoveryCycle::ask_interfaces(PagedAsk ask) {
  queue_.add([this, ask = std::move(ask)](CallQueue::Slot slot) {
    return ec2_.describe_network_interfaces(
        ask.ids, ask.token,
        [this, ask, slot](aws::CallResult<aws::Ec2Api::InterfacePage> answer) mutable {
          const bool more = next_page(ask, answer, "ec2:DescribeNetworkInterfaces");
          if (answer.ok()) {
            for (aws::NetworkInterface& interface : answer->interfaces) {
              if (!holds(ask.ids, interface.id) || !is_told(interface)) continue;
              inventory_.learn_interface(std::move(interface), reactor_.now());
            }
          }
          if (more) ask_interfaces(std::move(ask));
          queue_.finish(slot);
        });
  });
}

void DiscoveryCycle::begin_instances() {
  poll_.instances = plan_own_instances();
  if (hold(who_looks_up({}, poll_.instances), &DiscoveryCycle::begin_instances)) return;
  fill_instances();
  in_chunks(poll_.instances, aws::Ec2Api::kFilterValuesMax, [this](Names ids) {
    ask_instances({to_list(ids), "", 0, false});
  });
  queue_.wake();
}

void DiscoveryCycle::ask_instances(PagedAsk ask) {
  queue_.add([this, ask = std::move(ask)](CallQueue::Slot slot) {
    return ec2_.describe_instances(
        ask.ids, ask.token,
        [this, ask, slot](aws::CallResult<aws::Ec2Api::InstancePage> answer) mutable {
          const bool more = next_page(ask, answer, "ec2:DescribeInstances");
          if (answer.ok()) {
            for (aws::Instance& instance : answer->instances) {
              if (!holds(ask.ids, instance.id) || !is_told(instance)) continue;
              inventory_.learn_instance(std::move(instance), reactor_.now());
            }
            if (!more) inventory_.note_asked(ask.ids, reactor_.now());
          }
          if (more) ask_instances(std::move(ask));
          queue_.finish(slot);
        });
  });
}

}  // namespace kite::discovery
