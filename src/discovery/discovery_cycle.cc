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
                               Inventory& inventory, Options options, OnDone on_done)
    : reactor_(reactor),
      ecs_(ecs),
      ec2_(ec2),
      inventory_(inventory),
      options_(std::move(options)),
      on_done_(on_done),
      deadline_(reactor.timers(), event::Timer::OnDue::to<&DiscoveryCycle::on_deadline>(this)),
      queue_(reactor, CallQueue::OnDrained::to<&DiscoveryCycle::on_drained>(this)) {}

void DiscoveryCycle::start(const Occasion& occasion) {
  transition_to(CycleState::listing);
  poll_.occasion = occasion;
  poll_.result.complete = true;
  poll_.calls_before = queue_.started_total();
  deadline_.start(reactor_.now() + options_.deadline);
  if (occasion.kind != PollKind::round) return ask_task_page("");
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
  state_ = next;
}

void DiscoveryCycle::on_drained() {
  // More calls would be refused too: the next poll continues here.
  if (poll_.result.throttled && state_ != CycleState::idle) return finish();
  switch (state_) {
    case CycleState::idle:
      return;
    case CycleState::listing:
      return after_listing();
    case CycleState::describing_tasks:
      return begin_lookups();
    case CycleState::looking_up:
      return begin_instances();
    case CycleState::describing_instances:
      return finish();
  }
}

void DiscoveryCycle::on_deadline() {
  queue_.clear();
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
  if (poll_.result.listing == Listing::skipped) return begin_descriptions();
  std::sort(poll_.listed.begin(), poll_.listed.end());
  poll_.listed.erase(std::unique(poll_.listed.begin(), poll_.listed.end()), poll_.listed.end());
  if (!poll_.listed.empty()) {
    empty_listings_ = 0;
  } else if (++empty_listings_ < 2 && !inventory_.tasks().empty()) {
    poll_.result.listing = Listing::unconfirmed_empty;
    return finish();
  }
  inventory_.keep_tasks(poll_.listed);
  begin_descriptions();
}

void DiscoveryCycle::begin_descriptions() {
  transition_to(CycleState::describing_tasks);
  poll_.described = plan_descriptions(poll_.listed, options_.target, inventory_, options_.freshness,
                                      poll_.occasion);
  in_chunks(poll_.described, aws::EcsApi::kDescribeMax, [this](Names arns) { ask_tasks(arns); });
  queue_.wake();
}

// Describing tasks.

void DiscoveryCycle::ask_tasks(std::span<const std::string> arns) {
  queue_.add([this, arns](CallQueue::Slot slot) {
    const auto tags = options_.target.tags.empty() ? aws::EcsApi::TaskTags::leave_out
                                                   : aws::EcsApi::TaskTags::include;
    return ecs_.describe_tasks(
        options_.target.cluster, to_list(arns), tags,
        [this, arns, slot](aws::CallResult<aws::Described<aws::Task>> answer) {
          on_tasks(arns, std::move(answer));
          queue_.finish(slot);
        });
  });
}

void DiscoveryCycle::on_tasks(std::span<const std::string> arns,
                              aws::CallResult<aws::Described<aws::Task>> answer) {
  if (!answer.ok()) return note_problem(answer.error());
  std::set<sys::SharedText> settled;
  for (aws::Task& task : answer->items) {
    if (!holds(arns, task.arn) || !is_told(task, inventory_.find_task(task.arn))) continue;
    settled.insert(task.arn);
    inventory_.learn_task(std::move(task), reactor_.now());
  }
  for (const aws::DescribeFailure& failure : answer->failures) {
    if (!holds(arns, failure.arn)) continue;
    settled.insert(failure.arn);
    if (failure.reason == "MISSING") {
      inventory_.forget_task(failure.arn);
      poll_.missing.insert(failure.arn);
      continue;
    }
    note_problem(own_error("ecs:DescribeTasks", failure.reason.c_str(),
                           "a task could not be described: " + failure.reason));
  }
  if (settled.size() < arns.size()) {
    note_problem(own_error("ecs:DescribeTasks", "incomplete_answer",
                           "the answer leaves out tasks or their state; what is known is kept"));
  }
}

// Looking up.

void DiscoveryCycle::begin_lookups() {
  transition_to(CycleState::looking_up);
  const LookupPlan plan = plan_lookups(known_tasks(), options_.target, inventory_, address_ages());
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
  transition_to(CycleState::describing_instances);
  in_chunks(plan_instances(known_tasks(), options_.target, inventory_, address_ages()),
            aws::Ec2Api::kFilterValuesMax, [this](Names ids) {
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
