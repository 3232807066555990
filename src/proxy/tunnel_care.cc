#include "proxy/tunnel_care.h"

#include <algorithm>
#include <utility>

namespace kite::proxy {

TunnelCare::TunnelCare(event::Reactor& reactor, OwnedSet<Tunnel>& tunnels, const Options& options,
                       IsListed is_listed)
    : reactor_(reactor),
      tunnels_(tunnels),
      options_(options),
      is_listed_(std::move(is_listed)),
      keep_alive_timer_(reactor.timers(), event::Timer::OnDue::to<&TunnelCare::keep_alive>(this)),
      idle_timer_(reactor.timers(), event::Timer::OnDue::to<&TunnelCare::end_idle>(this)),
      removed_timer_(reactor.timers(), event::Timer::OnDue::to<&TunnelCare::end_removed>(this)) {}

void TunnelCare::note_opened(const Tunnel& tunnel) {
  // The set may have changed while it was being connected.
  if (options_.removed_grace && !is_listed_(tunnel.info().backend_id)) {
    departures_.try_emplace(tunnel.info().backend_id, reactor_.now());
    end_removed();
  }
  opened_since_keep_alive_ = true;
  if (!keep_alive_timer_.armed()) keep_alive_timer_.start(reactor_.now() + kKeepAliveAfter);
  if (options_.idle_timeout > sys::Duration::zero() && !idle_timer_.armed()) {
    idle_timer_.start(reactor_.now() + options_.idle_timeout + kIdleSlack);
  }
}

void TunnelCare::note_snapshot() {
  if (options_.removed_grace) find_removed();
}

void TunnelCare::stop() {
  keep_alive_timer_.cancel();
  idle_timer_.cancel();
  removed_timer_.cancel();
}

/// Returns whether the walk is over.
template <typename Visit>
bool TunnelCare::walk(Walk& walk, const Visit& visit) {
  if (!std::exchange(walk.under_way, true)) walk.left = tunnels_.size();
  walk.left = std::min(walk.left, tunnels_.size());
  for (size_t i = 0; i < kTunnelsPerTurn && walk.left > 0; ++i) visit(tunnels_[--walk.left]);
  walk.under_way = walk.left > 0;
  return !walk.under_way;
}

void TunnelCare::keep_alive() {
  if (!keep_alive_walk_.under_way) opened_since_keep_alive_ = false;
  if (!walk(keep_alive_walk_, [&](Tunnel& tunnel) { tunnel.keep_alive(options_.liveness); })) {
    return keep_alive_timer_.start(reactor_.now());
  }
  if (opened_since_keep_alive_) keep_alive_timer_.start(reactor_.now() + kKeepAliveAfter);
}

sys::Duration TunnelCare::idle_lateness() const {
  return std::min<sys::Duration>(options_.idle_timeout / kIdleLatenessDivisor, kIdleLatenessMax);
}

/// Nothing is armed when bytes move: a walk finds out who has been idle for how long, and the next
/// comes when the one that is nearest to its end could be there.
void TunnelCare::end_idle() {
  if (!idle_walk_.under_way) idle_least_left_ = options_.idle_timeout;
  const bool over = walk(idle_walk_, [&](Tunnel& tunnel) {
    const sys::Duration left = options_.idle_timeout - tunnel.idle_for();
    if (left <= sys::Duration::zero()) return tunnel.cut(CloseReason::idle_timeout);
    idle_least_left_ = std::min(idle_least_left_, left);
  });
  if (!over) return idle_timer_.start(reactor_.now());
  if (tunnels_.size() == 0) return;
  idle_timer_.start(reactor_.now() +
                    std::max<sys::Duration>(idle_least_left_ + kIdleSlack, idle_lateness()));
}

/// In one go, because it costs no system call, and a set that changes meanwhile would confuse it. A
/// backend that has come back is forgotten, as is one without connections.
void TunnelCare::find_removed() {
  std::unordered_map<BackendId, sys::SteadyTime> found;
  for (size_t i = 0; i < tunnels_.size(); ++i) {
    const BackendId backend = tunnels_[i].info().backend_id;
    if (is_listed_(backend)) continue;
    const auto known = departures_.find(backend);
    found.emplace(backend, known == departures_.end() ? reactor_.now() : known->second);
  }
  departures_ = std::move(found);
  end_removed();
}

void TunnelCare::end_removed() {
  if (!removed_walk_.under_way) removed_walk_began_ = reactor_.now();
  // What becomes over during a walk waits for the next: this one may have passed its tunnels.
  const auto is_over = [this](const auto& departure) {
    return departure.second + *options_.removed_grace <= removed_walk_began_;
  };
  if (std::any_of(departures_.begin(), departures_.end(), is_over)) {
    const bool over = walk(removed_walk_, [&](Tunnel& tunnel) {
      const auto departure = departures_.find(tunnel.info().backend_id);
      if (departure != departures_.end() && is_over(*departure)) {
        tunnel.cut(CloseReason::task_removed);
      }
    });
    if (!over) return removed_timer_.start(reactor_.now());
    std::erase_if(departures_, is_over);
  } else {
    removed_walk_.under_way = false;  // those it was for have come back
  }
  if (departures_.empty()) return removed_timer_.cancel();
  const auto first =
      std::min_element(departures_.begin(), departures_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  removed_timer_.start(first->second + *options_.removed_grace);
}

}  // namespace kite::proxy
