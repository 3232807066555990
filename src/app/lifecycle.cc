#include "app/lifecycle.h"

#include <csignal>
#include <utility>

namespace kite::app {

Lifecycle::Lifecycle(event::Reactor& reactor, sys::Logger& log, Actions actions)
    : log_(log),
      actions_(std::move(actions)),
      signals_(reactor, {SIGTERM, SIGINT, SIGHUP},
               event::SignalWatch::OnSignal::to<&Lifecycle::on_signal>(this)) {}

void Lifecycle::on_signal(int signal) {
  if (signal == SIGHUP) {
    log_.info("poll_requested", {{"signal", "SIGHUP"}});
    return actions_.poll_soon();
  }
  log_.info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  actions_.stop();
}

}  // namespace kite::app
