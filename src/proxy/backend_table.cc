#include "proxy/backend_table.h"

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "proxy/backend_set.h"
#include "sys/check.h"
#include "sys/fit.h"
#include "sys/socket.h"

namespace kite::proxy {

namespace {

/// std::partition_point() that first looks at `next`, after what it found the last time: a set of
/// thousands comes in order.
template <typename Index, typename IsBefore>
typename Index::iterator first_not_before(Index& index, size_t& next, IsBefore is_before) {
  const bool here = next <= index.size() && (next == 0 || is_before(index[next - 1])) &&
                    (next == index.size() || !is_before(index[next]));
  const auto found = here ? index.begin() + static_cast<std::ptrdiff_t>(next)
                          : std::partition_point(index.begin(), index.end(), is_before);
  next = static_cast<size_t>(found - index.begin()) + 1;
  return found;
}

}  // namespace

uint32_t BackendTable::hold_task(const snapshot::BackendTask& task, sys::SteadyTime now,
                                 bool warm) {
  const auto place = find_task_place(task.id);
  if (place != by_task_id_.end() && tasks_[*place].id == task.id) {
    Task& known = tasks_[*place];
    ++known.holds;
    known.zone = task.zone;  // it may have been found out since
    return *place;
  }
  const uint32_t number =
      tasks_.add({.id = task.id,
                  .zone = task.zone,
                  .holds = 1,
                  .ramp_end = warm ? sys::SteadyTime{} : now + options_.slow_start});
  by_task_id_.insert(place, number);
  return number;
}

void BackendTable::drop_task(uint32_t task) {
  if (--tasks_[task].holds > 0) return;
  by_task_id_.erase(find_task_place(tasks_[task].id));
  --next_task_place_;
  tasks_.remove(task);
}

BackendId BackendTable::list(const sys::Endpoint& endpoint, uint32_t task, Place place) {
  const auto position = find_place(endpoint, task);
  if (position != by_endpoint_.end() && backends_[*position].endpoint == endpoint &&
      backends_[*position].task == task) {
    ++backends_[*position].listings;
    return *position;
  }
  const BackendId id = backends_.add({.endpoint = endpoint,
                                      .task = task,
                                      .listings = 1,
                                      .place = place,
                                      .health = {},
                                      .ramp_end = tasks_[task].ramp_end,
                                      .counters = {}});
  ++tasks_[task].holds;
  by_endpoint_.insert(position, id);
  return id;
}

void BackendTable::unlist(BackendId id) {
  Backend& backend = backends_[id];
  KITE_CHECK(backend.listings > 0, "what was listed is unlisted once");
  --backend.listings;
  remove_if_unused(id);
}

void BackendTable::remove_if_unused(BackendId id) {
  const Backend& backend = backends_[id];
  if (backend.listings > 0 || backend.connections > 0) return;
  const uint32_t task = backend.task;
  by_endpoint_.erase(find_place(backend.endpoint, task));
  --next_place_;
  backends_.remove(id);
  drop_task(task);
}

BackendTable::Index::iterator BackendTable::find_place(const sys::Endpoint& endpoint,
                                                       uint32_t task) {
  return first_not_before(by_endpoint_, next_place_, [&](uint32_t number) {
    const Backend& backend = backends_[number];
    return std::tie(backend.endpoint, backend.task) < std::tie(endpoint, task);
  });
}

BackendTable::Index::iterator BackendTable::find_task_place(std::string_view id) {
  return first_not_before(by_task_id_, next_task_place_,
                          [&](uint32_t number) { return tasks_[number].id < id; });
}

void BackendTable::remove_set(BackendSet& set) {
  std::erase(sets_, &set);
}

void BackendTable::shrink() {
  tasks_.shrink();
  backends_.shrink();
  sys::fit(by_task_id_);
  sys::fit(by_endpoint_);
}

uint32_t BackendTable::weight(BackendId id, sys::SteadyTime now) const {
  const sys::SteadyTime end = backends_[id].ramp_end;
  if (now >= end) return kFullWeight;
  const sys::Duration passed = options_.slow_start - (end - now);
  const auto grown = static_cast<uint32_t>(passed * kFullWeight / options_.slow_start);
  return std::max(grown, kFullWeight / 10);
}

void BackendTable::begin_connection(BackendId id, bool probe) {
  Backend& backend = backends_[id];
  ++backend.connections;
  ++tasks_[backend.task].connections;
  if (!probe) return;
  backend.health.begin_probe();
  ++stats_.probes_total;
  ++epoch_;
}

void BackendTable::note_connected(BackendId id, sys::SteadyTime now) {
  Backend& backend = backends_[id];
  ++backend.counters.connections_total;
  if (!options_.eject_on_reset) return note_success(id, now);
  if (backend.health.note_connected(now)) ++epoch_;
}

void BackendTable::note_connect_failed(BackendId id, const Failure& failure, sys::SteadyTime now) {
  ++backends_[id].counters.connect_failures_total;
  note_failure(id, {.probe = failure.probe, .code = failure.code, .since = now}, now);
}

void BackendTable::abandon_probe(BackendId id) {
  if (backends_[id].health.state() != BackendHealth::State::probing) return;
  backends_[id].health.abandon_probe();
  ++epoch_;
}

bool BackendTable::note_tunnel_end(BackendId id, const Traffic& traffic, sys::SteadyTime now) {
  Backend& backend = backends_[id];
  backend.counters.client_to_backend_bytes += traffic.client_to_backend_bytes;
  backend.counters.backend_to_client_bytes += traffic.backend_to_client_bytes;
  const bool early = traffic.reset_by_backend && traffic.backend_to_client_bytes == 0;
  if (early) ++backend.counters.early_resets_total;
  if (!options_.eject_on_reset) return false;
  // Only what was connected since the last failure, or the ejection, says how the backend is now.
  const bool is_news = backend.health.is_news(traffic.connected_at);
  const bool was_kept = traffic.backend_to_client_bytes > 0 ||
                        now - traffic.connected_at >= BackendHealth::kResetWatch;
  if (early) {
    note_failure(id, {.probe = is_news, .code = ECONNRESET, .since = traffic.connected_at}, now);
  } else if (is_news && was_kept) {
    note_success(id, now);
  } else {
    backend.health.note_untold(traffic.connected_at);
  }
  return early;
}

void BackendTable::end_connection(BackendId id) {
  Backend& backend = backends_[id];
  KITE_CHECK(backend.connections > 0, "a connection that began ends once");
  --backend.connections;
  --tasks_[backend.task].connections;
  remove_if_unused(id);
}

void BackendTable::note_success(BackendId id, sys::SteadyTime now) {
  Backend& backend = backends_[id];
  if (!backend.health.note_success(now)) return;
  ++epoch_;
  ++stats_.returns_total;
  backend.ramp_end = now + options_.slow_start;
  log_.info("backend_returned",
            {{"backend", backend.endpoint.text()}, {"task", tasks_[backend.task].id}});
}

void BackendTable::note_failure(BackendId id, const Failure& failure, sys::SteadyTime now) {
  BackendHealth& health = backends_[id].health;
  health.note_failure(failure.since, now);
  const bool probing = health.state() == BackendHealth::State::probing;
  if (probing && failure.probe) return eject(id, failure.code, now);
  // Connects that began before the ejection say nothing new.
  if (health.out() || options_.eject_after == 0) return;
  if (health.failures_in_row() < options_.eject_after) return;
  if (may_eject(id)) return eject(id, failure.code, now);
  ++stats_.ejections_refused_total;
}

/// Ejections are rare, so every set is looked through instead of kept account of.
bool BackendTable::may_eject(BackendId id) const {
  return std::all_of(sets_.begin(), sets_.end(), [&](const BackendSet* set) {
    return !set->lists(id) || 2 * (set->count_out() + 1) <= set->size();
  });
}

void BackendTable::eject(BackendId id, int code, sys::SteadyTime now) {
  Backend& backend = backends_[id];
  const bool was_serving = !backend.health.out();
  const sys::Duration time = backend.health.eject(now, random_);
  ++epoch_;
  ++stats_.ejections_total;
  ++ejections_by_place_[backend.place];
  const auto level = was_serving ? sys::LogLevel::warn : sys::LogLevel::debug;
  if (!log_.enabled(level)) return;
  const std::initializer_list<sys::LogField> fields = {
      {"backend", backend.endpoint.text()},
      {"task", tasks_[backend.task].id},
      {"failures_in_row", backend.health.failures_in_row()},
      {"last_error", sys::errno_text(code)},
      {"for_ms", sys::count_ms(time)}};
  was_serving ? log_.warn("backend_ejected", fields) : log_.debug("backend_still_out", fields);
}

uint64_t BackendTable::ejections_total(Place place) const {
  const auto found = ejections_by_place_.find(place);
  return found == ejections_by_place_.end() ? 0 : found->second;
}

void BackendTable::readmit_excess(const BackendSet& set) {
  size_t out = set.count_out();
  while (2 * out > set.size()) {  // ends: each round takes one back
    BackendHealth& health = backends_[set.next_out()].health;
    health.readmit();
    ++epoch_;
    --out;
  }
}

void BackendTable::view(sys::SteadyTime now, std::vector<BackendView>& out) const {
  out.reserve(out.size() + by_endpoint_.size());
  for (const uint32_t number : by_endpoint_) {
    const Backend& backend = backends_[number];
    const Task& task = tasks_[backend.task];
    const bool ejected = backend.health.state() == BackendHealth::State::ejected;
    out.push_back({.target = backend.place.target,
                   .container_port = backend.place.container_port,
                   .endpoint = backend.endpoint,
                   .task = task.id,
                   .zone = task.zone,
                   .state = state(backend, now),
                   .until = ejected ? backend.health.until() : backend.ramp_end,
                   .connections = backend.connections,
                   .task_connections = task.connections,
                   .counters = backend.counters});
  }
}

BackendState BackendTable::state(const Backend& backend, sys::SteadyTime now) const {
  if (backend.listings == 0) return BackendState::leaving;
  switch (backend.health.state()) {
    case BackendHealth::State::serving:
      return now < backend.ramp_end ? BackendState::slow_start : BackendState::serving;
    case BackendHealth::State::ejected:
      return backend.health.due(now) ? BackendState::probing : BackendState::ejected;
    case BackendHealth::State::probing:
      return BackendState::probing;
  }
  return BackendState::serving;
}

}  // namespace kite::proxy
