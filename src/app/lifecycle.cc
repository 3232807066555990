#include "app/lifecycle.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace kite::app {

Lifecycle::Lifecycle(event::Reactor& reactor, sys::Logger& log, sys::Duration drain_timeout,
                     Actions actions)
    : reactor_(reactor),
      log_(log),
      drain_timeout_(drain_timeout),
      actions_(std::move(actions)),
      signals_(reactor, {SIGTERM, SIGINT, SIGHUP},
               event::SignalWatch::OnSignal::to<&Lifecycle::on_signal>(this)),
      look_timer_(reactor.timers(), event::Timer::OnDue::to<&Lifecycle::look>(this)) {}

void Lifecycle::on_signal(int signal) {
  if (stats_.phase == LifecycleStats::Phase::ended) return;
  if (signal == SIGHUP) {
    log_.info("poll_requested", {{"signal", "SIGHUP"}});
    return actions_.poll_soon();
  }
  if (stats_.phase == LifecycleStats::Phase::draining) return end("second_signal");
  begin_drain(signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

void Lifecycle::begin_drain(std::string_view signal) {
  const Activity activity = actions_.activity();
  log_.info("draining", {{"signal", signal},
                         {"connections", activity.connections},
                         {"timeout_ms", sys::count_ms(drain_timeout_)}});
  stats_.phase = LifecycleStats::Phase::draining;
  stats_.drain_end = reactor_.now() + drain_timeout_;
  if (drain_timeout_ == sys::Duration::zero()) return end("no_drain");
  actions_.begin_drain();
  accepted_seen_ = activity.accepted;
  idle_since_ = reactor_.now();
  look_timer_.start(reactor_.now() + kLookInterval);
}

void Lifecycle::look() {
  const Activity activity = actions_.activity();
  const bool somebody_came = std::exchange(accepted_seen_, activity.accepted) != activity.accepted;
  if (activity.connections > 0 || somebody_came) {
    idle_since_ = reactor_.now();
  }
  if (reactor_.now() >= idle_since_ + kIdleFor) return end("idle");
  if (reactor_.now() >= stats_.drain_end) return end("drain_timeout");
  look_timer_.start(std::min(reactor_.now() + kLookInterval, stats_.drain_end));
}

void Lifecycle::end(std::string_view reason) {
  look_timer_.cancel();
  stats_.phase = LifecycleStats::Phase::ended;
  log_.info("stopping", {{"reason", reason}, {"connections_cut", actions_.activity().connections}});
  actions_.stop();
}

}  // namespace kite::app
