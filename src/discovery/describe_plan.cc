#include "discovery/describe_plan.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <variant>

#include "aws/ecs_api.h"
#include "discovery/backend_filter.h"
#include "discovery/network_mode.h"

namespace kite::discovery {

namespace {

constexpr size_t kChunk = aws::EcsApi::kDescribeMax;

/// A task that may be described, and when it last was.
struct Described {
  const std::string* arn = nullptr;
  sys::SteadyTime told_at{};
};

std::vector<const aws::Task*> tasks_of(const Inventory& inventory) {
  std::vector<const aws::Task*> tasks;
  tasks.reserve(inventory.tasks().size());
  for (const auto& [arn, known] : inventory.tasks()) tasks.push_back(&known.task);
  return tasks;
}

/// Whether nothing is expected of the task but its end or a change of its health.
bool is_settled(const aws::Task& task, const Target& target, const Inventory& inventory,
                const std::set<std::string_view>& bridges) {
  const auto found = find_serving_container(task, target);
  if (const auto* exclusion = std::get_if<Exclusion>(&found)) {
    return exclusion->reason == ExclusionReason::other_revision ||
           exclusion->reason == ExclusionReason::other_tags ||
           exclusion->reason == ExclusionReason::container_not_found;
  }
  const aws::Container& container = **std::get_if<const aws::Container*>(&found);
  switch (network_mode(task, target, inventory.find_definition(task.definition_arn), bridges)) {
    case NetworkMode::task_eni:
      return !task.eni->private_ipv4.empty() || !task.eni->ipv6.empty();
    case NetworkMode::bridge:
      return !container.bindings.empty();
    case NetworkMode::host:
    case NetworkMode::unknown:  // a question for DescribeTaskDefinition
      return true;
    case NetworkMode::unreachable:
      return false;
  }
  return false;
}

/// How many of `settled` must be described, with those that a full chunk holds beside `others`.
/// They are sorted, oldest first.
size_t round_size(const std::vector<Described>& settled, size_t others, const Freshness& freshness,
                  const Occasion& occasion, sys::SteadyTime now) {
  const sys::SteadyTime next_poll = now + occasion.next_poll_within;
  const auto fresh = std::find_if(settled.begin(), settled.end(), [&](const Described& task) {
    return task.told_at + freshness.tasks >= next_poll;
  });
  const auto due = static_cast<size_t>(fresh - settled.begin());
  // What was described in one poll would come due in one poll again; an even share of the calls,
  // taken ahead of time, spreads it.
  const size_t calls = (settled.size() + kChunk - 1) / kChunk;
  const sys::Duration pause = std::max(occasion.next_poll_within, sys::Duration(1));
  const auto polls = std::max<size_t>(1, static_cast<size_t>(freshness.tasks / pause));
  size_t ahead = calls / polls;
  if (occasion.hinted) ahead = std::max(ahead, size_t{1});
  const size_t wanted = std::max(due, ahead * kChunk);
  if (wanted == 0) return 0;
  const size_t full = (others + wanted + kChunk - 1) / kChunk * kChunk;
  return std::min(settled.size(), full - others);
}

}  // namespace

std::vector<std::string> plan_descriptions(std::span<const std::string> listed,
                                           const Target& target, const Inventory& inventory,
                                           const Freshness& freshness, const Occasion& occasion,
                                           sys::SteadyTime now) {
  const std::set<std::string_view> bridges = bridge_definitions(tasks_of(inventory));
  std::vector<std::string> plan;
  std::vector<Described> settled;
  auto known = inventory.tasks().begin();
  for (const std::string& arn : listed) {
    if (known == inventory.tasks().end() || known->first != arn) {
      plan.push_back(arn);
      continue;
    }
    if (is_settled(known->second.task, target, inventory, bridges)) {
      settled.push_back({&arn, known->second.told_at});
    } else {
      plan.push_back(arn);
    }
    ++known;
  }
  std::stable_sort(settled.begin(), settled.end(),
                   [](const Described& a, const Described& b) { return a.told_at < b.told_at; });
  settled.resize(round_size(settled, plan.size(), freshness, occasion, now));
  for (const Described& task : settled) plan.push_back(*task.arn);
  std::sort(plan.begin(), plan.end());
  return plan;
}

}  // namespace kite::discovery
