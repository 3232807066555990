#include "proxy/balancer.h"

#include <algorithm>
#include <utility>

namespace kite::proxy {

void Balancer::follow(const snapshot::SnapshotPtr& snapshot, sys::SteadyTime now) {
  const sys::SharedText zone =
      options_.own_zone != nullptr ? options_.own_zone->name() : sys::SharedText();
  if (snapshot == nullptr || (snapshot == followed_ && zone == followed_zone_)) return;
  const bool warm = !had_backends_;
  std::vector<uint32_t> tasks;
  tasks.reserve(snapshot->tasks().size());
  for (const snapshot::BackendTask& task : snapshot->tasks()) {
    tasks.push_back(table_.hold_task(task, now, warm));
  }
  std::vector<std::unique_ptr<BackendSet>> old = std::exchange(sets_, {});
  for (const snapshot::PortBackends& port : snapshot->ports()) {
    const auto same = [&](const auto& set) {
      return set != nullptr && set->container_port() == port.container_port;
    };
    const auto known = std::find_if(old.begin(), old.end(), same);
    const BackendTable::Place place{options_.target, port.container_port};
    sets_.push_back(known != old.end() ? std::move(*known)
                                       : std::make_unique<BackendSet>(table_, place));
    sets_.back()->replace(port, tasks, zone, random_);
    had_backends_ = had_backends_ || !port.backends.empty();
  }
  old.clear();
  for (const uint32_t task : tasks) table_.drop_task(task);
  for (const auto& set : sets_) table_.readmit_excess(*set);
  table_.shrink();
  note_listed();
  followed_ = snapshot;
  followed_zone_ = zone;
}

void Balancer::note_listed() {
  listed_.clear();
  for (const auto& set : sets_) {
    for (const BackendSet::Member& member : set->members()) {
      if (member.id >= listed_.size()) listed_.resize(member.id + 1);
      listed_[member.id] = true;
    }
  }
}

BackendSet* Balancer::find(uint16_t container_port) const {
  const auto found = std::lower_bound(
      sets_.begin(), sets_.end(), container_port,
      [](const auto& set, uint16_t wanted) { return set->container_port() < wanted; });
  if (found == sets_.end() || (*found)->container_port() != container_port) return nullptr;
  return found->get();
}

bool Balancer::serves(uint16_t container_port) const {
  const BackendSet* set = find(container_port);
  return set != nullptr && set->size() > 0;
}

std::optional<Balancer::Choice> Balancer::pick(uint16_t container_port,
                                               std::span<const sys::Endpoint> tried,
                                               sys::SteadyTime now) {
  BackendSet* set = find(container_port);
  if (set == nullptr || set->size() == 0) return std::nullopt;
  set->refresh(now);
  const Draw draw{.set = *set, .tried = tried, .now = now, .ramping = set->ramping(now)};
  Position chosen = due_for_probe(draw);
  if (!chosen) {
    BackendSet::Range& range = set->choose_range(random_);
    chosen = choose(draw, range);
    if (!chosen && &range != &set->everywhere()) chosen = choose(draw, set->everywhere());
    if (!chosen) chosen = choose_ejected(draw);
    if (!chosen) return std::nullopt;
  }
  const BackendId id = set->members()[*chosen].id;
  return Choice{.id = id, .endpoint = table_.endpoint(id), .probe = table_.health(id).due(now)};
}

/// The first connection after an ejection's time is its probe. A client that has met a failure
/// already is not asked to risk a second.
Balancer::Position Balancer::due_for_probe(const Draw& draw) {
  if (draw.now < draw.set.next_look() || !draw.tried.empty()) return std::nullopt;
  for (const uint32_t position : draw.set.out()) {
    const BackendId id = draw.set.members()[position].id;
    if (table_.health(id).due(draw.now)) return position;
    if (table_.health(id).passed(draw.now)) table_.note_probe_passed(id, draw.now);
  }
  draw.set.refresh(draw.now);
  return std::nullopt;
}

Balancer::Position Balancer::choose(const Draw& draw, BackendSet::Range& range) {
  switch (options_.way) {
    case BalanceWay::random:
      return choose_random(draw, range);
    case BalanceWay::roundrobin:
      return choose_next(draw, range);
    case BalanceWay::leastconn:
      return choose_least_loaded(draw, range);
    case BalanceWay::p2c:
      return choose_of_two(draw, range);
  }
  return std::nullopt;
}

/// In proportion to weight. Mostly the first draw will do; drawing again what is out or, by its
/// weight, not meant this time leaves the proportions as they are.
Balancer::Position Balancer::choose_random(const Draw& draw, const BackendSet::Range& range) {
  constexpr int kDraws = 8;
  if (!draw.tried.empty()) return choose_among_rest(draw, range);
  for (int i = 0; i < kDraws; ++i) {
    const uint32_t position = range.begin + random_.below(range.size());
    if (!available(draw, position)) continue;
    if (!draw.ramping) return position;
    const uint32_t share = weight(draw, position);
    if (share == BackendTable::kFullWeight) return position;
    if (random_.below(BackendTable::kFullWeight) < share) return position;
  }
  return choose_among_rest(draw, range);
}

/// The same by adding up, when few are left to be hit.
Balancer::Position Balancer::choose_among_rest(const Draw& draw, const BackendSet::Range& range) {
  const auto share = [&](uint32_t position) -> uint32_t {
    if (!available(draw, position)) return 0;
    return draw.ramping ? weight(draw, position) : 1;
  };
  uint32_t total = 0;
  for (uint32_t i = range.begin; i < range.end; ++i) total += share(i);
  if (total == 0) return std::nullopt;
  uint32_t rest = random_.below(total);
  for (uint32_t i = range.begin; i < range.end; ++i) {
    const uint32_t each = share(i);
    if (rest < each) return i;
    rest -= each;
  }
  return std::nullopt;
}

/// A slow starter earns its weight whenever its turn comes, and takes it when that is a whole one.
Balancer::Position Balancer::choose_next(const Draw& draw, BackendSet::Range& range) {
  Position passed_over;
  uint32_t position = range.next;
  for (uint32_t i = 0; i < range.size(); ++i) {
    if (available(draw, position)) {
      uint32_t& credit = draw.set.members()[position].credit;
      credit += draw.ramping ? weight(draw, position) : BackendTable::kFullWeight;
      if (credit >= BackendTable::kFullWeight) {
        credit = draw.ramping ? credit - BackendTable::kFullWeight : 0;
        draw.set.move_cursor(range, position);
        return position;
      }
      if (!passed_over) passed_over = position;
    }
    position = position + 1 == range.end ? range.begin : position + 1;
  }
  if (passed_over) draw.set.move_cursor(range, *passed_over);
  return passed_over;  // nothing but slow starters
}

/// Among equals chance decides. A slow starter counts as the more loaded the less it has grown, and
/// takes part with a probability of its weight, or all who are idle would be equal.
Balancer::Position Balancer::choose_least_loaded(const Draw& draw, const BackendSet::Range& range) {
  const uint32_t bar = draw.ramping ? random_.below(BackendTable::kFullWeight) : 0;
  const auto takes_part = [&](uint32_t position) {
    return available(draw, position) && (!draw.ramping || weight(draw, position) > bar);
  };
  uint64_t least = UINT64_MAX;
  uint32_t equals = 0;
  for (uint32_t i = range.begin; i < range.end; ++i) {
    if (!takes_part(i)) continue;
    const uint64_t load = relative_load(draw, i);
    if (load > least) continue;
    equals = load < least ? 1 : equals + 1;
    least = load;
  }
  if (equals == 0) return choose_among_rest(draw, range);
  uint32_t skip = equals == 1 ? 0 : random_.below(equals);
  for (uint32_t i = range.begin; i < range.end; ++i) {
    if (takes_part(i) && relative_load(draw, i) == least && skip-- == 0) return i;
  }
  return std::nullopt;
}

/// Source:    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
Balancer::Position Balancer::choose_of_two(const Draw& draw, const BackendSet::Range& range) {
  constexpr int kDraws = 4;
  const Position one = choose_random(draw, range);
  if (!one || range.size() < 2) return one;
  Position other = one;
  if (!draw.ramping && draw.tried.empty() && draw.set.out().empty()) {
    const uint32_t position = range.begin + random_.below(range.size() - 1);
    other = position < *one ? position : position + 1;
  }
  for (int i = 0; i < kDraws && other == one; ++i) other = choose_random(draw, range);
  return relative_load(draw, *other) < relative_load(draw, *one) ? other : one;
}

/// Nothing else is left: better a backend that failed than none.
Balancer::Position Balancer::choose_ejected(const Draw& draw) {
  const std::span<const uint32_t> out = draw.set.out();
  const auto usable = [&](uint32_t position) { return untried(draw, position); };
  const auto count = std::count_if(out.begin(), out.end(), usable);
  if (count == 0) return std::nullopt;
  uint32_t skip = random_.below(static_cast<uint32_t>(count));
  for (const uint32_t position : out) {
    if (usable(position) && skip-- == 0) return position;
  }
  return std::nullopt;
}

bool Balancer::untried(const Draw& draw, uint32_t position) const {
  if (draw.tried.empty()) return true;
  const sys::Endpoint& endpoint = table_.endpoint(draw.set.members()[position].id);
  return std::find(draw.tried.begin(), draw.tried.end(), endpoint) == draw.tried.end();
}

bool Balancer::available(const Draw& draw, uint32_t position) const {
  return !table_.health(draw.set.members()[position].id).out() && untried(draw, position);
}

uint32_t Balancer::weight(const Draw& draw, uint32_t position) const {
  return table_.weight(draw.set.members()[position].id, draw.now);
}

/// Load in proportion to weight.
uint64_t Balancer::relative_load(const Draw& draw, uint32_t position) const {
  const uint64_t load = table_.load(draw.set.members()[position].task);
  if (!draw.ramping) return load;
  return load * BackendTable::kFullWeight / weight(draw, position);
}

}  // namespace kite::proxy
