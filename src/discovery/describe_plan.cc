#include "discovery/describe_plan.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "aws/ecs_api.h"
#include "discovery/names.h"

namespace kite::discovery {

namespace {

constexpr size_t kChunk = aws::EcsApi::kDescribeMax;

struct Settled {
  const std::string* arn = nullptr;
  sys::SteadyTime told_at{};
};

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
                                           const TaskSurvey& survey, const Freshness& freshness,
                                           const Occasion& occasion, const ToldLately& lately) {
  if (occasion.kind == PollKind::told) return {};
  std::vector<std::string> plan;
  std::vector<Settled> settled;
  auto surveyed = survey.tasks.begin();
  for (const std::string& arn : listed) {
    if (surveyed == survey.tasks.end() || surveyed->known->task.arn != arn) {
      plan.push_back(arn);
      continue;
    }
    const sys::SteadyTime told_at = surveyed->known->told_at;
    if (surveyed->settled) {
      settled.push_back({&arn, told_at});
    } else if (told_at < lately.unsettled) {
      plan.push_back(arn);
    }
    ++surveyed;
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
