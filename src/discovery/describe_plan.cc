#include "discovery/describe_plan.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <variant>

#include "aws/ecs_api.h"
#include "discovery/backend_filter.h"
#include "discovery/names.h"
#include "discovery/network_mode.h"

namespace kite::discovery {

namespace {

constexpr size_t kChunk = aws::EcsApi::kDescribeMax;

struct Settled {
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

/// How many of `settled` are described, with those that a full chunk holds beside `others`.
size_t round_size(size_t settled, size_t others, const Freshness& freshness,
                  const Occasion& occasion) {
  if (freshness.tasks <= sys::Duration::zero()) return settled;
  const size_t calls = (settled + kChunk - 1) / kChunk;
  size_t share = 0;
  if (occasion.kind != PollKind::listing) {
    share = (calls + rounds_of(settled) - 1) / rounds_of(settled);
  }
  if (occasion.hinted) share = std::max(share, size_t{1});
  if (share == 0) return 0;
  // What is described anyway takes places in a round's calls, and adds none.
  const size_t full = (others + share * kChunk + kChunk - 1) / kChunk * kChunk;
  return std::min(settled, full - others);
}

}  // namespace

size_t rounds_of(size_t tasks) {
  constexpr size_t kRoundsMax = 6;
  return std::clamp<size_t>((tasks + kChunk - 1) / kChunk, 1, kRoundsMax);
}

std::vector<std::string> plan_descriptions(std::span<const std::string> listed,
                                           const Target& target, const Inventory& inventory,
                                           const Freshness& freshness, const Occasion& occasion,
                                           const ToldLately& lately) {
  if (occasion.kind == PollKind::told) return {};
  const std::set<std::string_view> bridges = bridge_definitions(tasks_of(inventory));
  std::vector<std::string> plan;
  std::vector<Settled> settled;
  auto known = inventory.tasks().begin();
  for (const std::string& arn : listed) {
    if (known == inventory.tasks().end() || known->first != arn) {
      plan.push_back(arn);
      continue;
    }
    if (is_settled(known->second.task, target, inventory, bridges)) {
      settled.push_back({&arn, known->second.told_at});
    } else if (known->second.told_at < lately.unsettled) {
      plan.push_back(arn);
    }
    ++known;
  }
  std::stable_sort(settled.begin(), settled.end(),
                   [](const Settled& a, const Settled& b) { return a.told_at < b.told_at; });
  settled.resize(round_size(settled.size(), plan.size(), freshness, occasion));
  for (const Settled& task : settled) {
    if (task.told_at < lately.settled) plan.push_back(*task.arn);
  }
  std::sort(plan.begin(), plan.end());
  return plan;
}

std::vector<std::string> fill_descriptions(std::vector<std::string> plan,
                                           std::vector<Offer> others) {
  std::stable_sort(others.begin(), others.end(),
                   [](const Offer& a, const Offer& b) { return a.told_at < b.told_at; });
  std::vector<std::string> more;
  std::set<std::string_view> taken;  // a task may be of several targets
  for (const Offer& task : others) {
    if (taken.insert(task.arn).second) more.push_back(task.arn);
  }
  fill_chunk(plan, more, kChunk);
  return plan;
}

}  // namespace kite::discovery
