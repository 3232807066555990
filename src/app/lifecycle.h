#pragma once

#include <functional>

#include "event/reactor.h"
#include "event/signal_watch.h"
#include "sys/log.h"

namespace kite::app {

/// What signals mean to the running program.
/// Lifetime:  reactor and logger outlive it.
/// Source:    signal(7).
class Lifecycle {
 public:
  struct Actions {
    std::function<void()> stop;       ///< SIGTERM, SIGINT
    std::function<void()> poll_soon;  ///< SIGHUP
  };

  Lifecycle(event::Reactor& reactor, sys::Logger& log, Actions actions);

 private:
  void on_signal(int signal);

  sys::Logger& log_;
  Actions actions_;
  event::SignalWatch signals_;
};

}  // namespace kite::app
