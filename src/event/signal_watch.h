#pragma once

#include <initializer_list>

#include "event/reactor.h"
#include "sys/owned_fd.h"

namespace kite::event {

/// Turns process signals into events of the loop. From construction on the signals are blocked and
/// only read from a signalfd.
/// Owns:      the signalfd. The signal mask stays changed after destruction.
/// Source:    signalfd(2), sigprocmask(2).
class SignalWatch {
 public:
  using OnSignal = Handler<void(int)>;  ///< the signal's number

  SignalWatch(Reactor& reactor, std::initializer_list<int> signals, OnSignal on_signal);

 private:
  void on_ready(Events events);

  OnSignal on_signal_;
  sys::OwnedFd fd_;
  Watch watch_;
};

}  // namespace kite::event
