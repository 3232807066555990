#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "app/lifecycle_stats.h"
#include "event/reactor.h"
#include "event/signal_watch.h"
#include "event/timer_queue.h"
#include "sys/clock.h"
#include "sys/log.h"

namespace kite::app {

/// What signals mean to the running program. SIGTERM and SIGINT begin its end: whoever is served
/// through it may still need it, so it goes on, new connections included, until nobody has for a
/// second, or the drain's time is over. A second signal ends it at once. SIGHUP: poll now.
/// DESIGN 48
/// Lifetime:  reactor and logger outlive it.
/// Thread:    reactor thread only.
/// Source:    signal(7).
class Lifecycle {
 public:
  /// What the data path does, to tell whether anybody needs it.
  struct Activity {
    size_t connections = 0;  ///< now, of every kind
    uint64_t accepted = 0;   ///< ever
  };
  struct Actions {
    std::function<Activity()> activity;
    /// Listening sockets that were inherited are the successor's from now on.
    std::function<void()> begin_drain;
    std::function<void()> stop;       ///< closes everything and ends the loop
    std::function<void()> poll_soon;  ///< SIGHUP
  };
  /// How long nobody may have been served for the program to end.
  static constexpr std::chrono::seconds kIdleFor{1};

  Lifecycle(event::Reactor& reactor, sys::Logger& log, sys::Duration drain_timeout,
            Actions actions);

  const LifecycleStats& stats() const { return stats_; }
  /// What a signal does. For the signal watch and tests.
  void on_signal(int signal);

 private:
  /// How often activity is looked at while draining, and so how late the end may be noticed.
  static constexpr std::chrono::milliseconds kLookInterval{50};

  void begin_drain(std::string_view signal);
  void look();
  void end(std::string_view reason);

  event::Reactor& reactor_;
  sys::Logger& log_;
  const sys::Duration drain_timeout_;
  Actions actions_;
  event::SignalWatch signals_;
  event::Timer look_timer_;
  LifecycleStats stats_;
  uint64_t accepted_seen_ = 0;
  sys::SteadyTime idle_since_;
};

}  // namespace kite::app
