#include "proxy/backend_set.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "sys/check.h"

namespace kite::proxy {

BackendSet::BackendSet(BackendTable& table, BackendTable::Place place)
    : table_(table), place_(place) {
  table_.add_set(*this);
}

BackendSet::~BackendSet() {
  table_.remove_set(*this);
  for (const Member& member : members_) table_.unlist(member.id);
}

void BackendSet::replace(const snapshot::PortBackends& port, std::span<const uint32_t> tasks,
                         std::string_view own_zone, sys::Random& random) {
  const std::optional<Cursor> next = next_in(all_);
  std::vector<std::optional<Cursor>> next_by_zone;
  for (const Zone& zone : zones_) next_by_zone.push_back(next_in(zone.range));
  const std::vector<Member> old = std::exchange(members_, {});
  members_.reserve(port.backends.size());
  for (const snapshot::Backend& backend : port.backends) {
    const uint32_t task = tasks[backend.task_index];
    members_.push_back({.id = table_.list(backend.endpoint, task, place_), .task = task});
  }
  keep_credit(old);
  for (const Member& member : old) table_.unlist(member.id);
  all_ = {.begin = 0, .end = static_cast<uint32_t>(members_.size())};
  zones_.clear();
  if (!own_zone.empty()) group_by_zone(own_zone);
  place_cursor(all_, next, random);
  for (Zone& zone : zones_) {
    const std::string_view name = table_.zone(members_[zone.range.begin].id);
    const auto known =
        std::find_if(next_by_zone.begin(), next_by_zone.end(),
                     [&](const std::optional<Cursor>& each) { return each->zone == name; });
    place_cursor(zone.range, known == next_by_zone.end() ? std::nullopt : *known, random);
  }
  epoch_seen_.reset();
}

/// Both are in an order of their own (zones may be grouped), and slow starters are few.
void BackendSet::keep_credit(std::span<const Member> old) {
  for (const Member& before : old) {
    if (before.credit == 0) continue;
    const auto same = std::ranges::find(members_, before.id, &Member::id);
    if (same != members_.end()) same->credit = before.credit;
  }
}

void BackendSet::group_by_zone(std::string_view own_zone) {
  std::stable_sort(members_.begin(), members_.end(), [this](const Member& a, const Member& b) {
    return table_.zone(a.id) < table_.zone(b.id);
  });
  for (uint32_t i = 0; i < members_.size(); ++i) {
    const std::string_view zone = table_.zone(members_[i].id);
    if (i == 0 || table_.zone(members_[i - 1].id) != zone) {
      zones_.push_back({.own = zone == own_zone, .range = {.begin = i, .end = i}});
    }
    zones_.back().range.end = i + 1;
  }
}

std::optional<BackendSet::Cursor> BackendSet::next_in(const Range& range) const {
  if (range.size() == 0) return std::nullopt;
  const BackendId id = members_[range.next].id;
  return Cursor{table_.zone(id), table_.endpoint(id)};
}

/// At the one that was next, or where it would be: members are in the order of zones, if those are
/// looked at, and of addresses.
void BackendSet::place_cursor(Range& range, const std::optional<Cursor>& next,
                              sys::Random& random) {
  range.next = range.begin;
  if (range.size() == 0) return;
  if (!next) {
    range.next += random.below(range.size());
    return;
  }
  const auto is_before = [&](const Member& member) {
    const std::string_view zone = table_.zone(member.id);
    if (!zones_.empty() && zone != next->zone) return zone < std::string_view(next->zone);
    return table_.endpoint(member.id) < next->endpoint;
  };
  const auto last = members_.begin() + range.end;
  const auto found = std::partition_point(members_.begin() + range.begin, last, is_before);
  if (found != last) range.next = static_cast<uint32_t>(found - members_.begin());
}

void BackendSet::move_cursor(Range& range, uint32_t chosen) {
  range.next = chosen + 1 == range.end ? range.begin : chosen + 1;
}

bool BackendSet::lists(BackendId id) const {
  return std::any_of(members_.begin(), members_.end(),
                     [id](const Member& member) { return member.id == id; });
}

size_t BackendSet::count_out() const {
  return static_cast<size_t>(
      std::count_if(members_.begin(), members_.end(),
                    [this](const Member& member) { return table_.health(member.id).out(); }));
}

BackendId BackendSet::next_out() const {
  const BackendHealth* first = nullptr;
  BackendId first_id = kNoBackend;
  for (const Member& member : members_) {
    const BackendHealth& health = table_.health(member.id);
    if (!health.out() || (first != nullptr && first->until() <= health.until())) continue;
    first = &health;
    first_id = member.id;
  }
  KITE_CHECK(first != nullptr, "asked only while a member is out");
  return first_id;
}

void BackendSet::refresh(sys::SteadyTime now) {
  if (epoch_seen_ == table_.epoch() && now < fresh_until_) return;
  epoch_seen_ = table_.epoch();
  out_.clear();
  next_look_ = sys::SteadyTime::max();
  ramp_end_ = {};
  for (uint32_t i = 0; i < members_.size(); ++i) {
    const BackendHealth& health = table_.health(members_[i].id);
    ramp_end_ = std::max(ramp_end_, table_.ramp_end(members_[i].id));
    if (!health.out()) continue;
    out_.push_back(i);
    next_look_ = std::min(next_look_, health.until());
  }
  if (!zones_.empty()) weigh_zones(now);
  const bool shares_move = !zones_.empty() && ramping(now);
  fresh_until_ = shares_move ? now + kSharesLag : sys::SteadyTime::max();
}

void BackendSet::weigh_zones(sys::SteadyTime now) {
  std::vector<ZoneCapacity> capacities;
  size_t own = zones_.size();
  for (const Zone& zone : zones_) {
    if (zone.own) own = capacities.size();
    ZoneCapacity& capacity = capacities.emplace_back();
    for (uint32_t i = zone.range.begin; i < zone.range.end; ++i) {
      if (table_.health(members_[i].id).out()) continue;
      ++capacity.backends;
      capacity.weight += table_.weight(members_[i].id, now);
    }
  }
  shares_ = zone_shares(capacities, own);
}

BackendSet::Range& BackendSet::choose_range(sys::Random& random) {
  if (shares_.empty()) return all_;
  uint32_t share = random.below(kAllShares);
  for (size_t i = 0; i < zones_.size(); ++i) {
    if (share < shares_[i]) return zones_[i].range;
    share -= shares_[i];
  }
  return all_;
}

}  // namespace kite::proxy
