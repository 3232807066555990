#pragma once

#include "event/reactor.h"
#include "sys/log.h"
#include "sys/owned_fd.h"

namespace kite::app {

/// What a system call outside the filter comes to: it fails with EPERM, and is logged once for each
/// number. The kernel refuses it by SIGSYS, whose handler writes the number down; the loop logs it.
/// Owns:      the process's SIGSYS handler and a descriptor that wakes the loop. The handler stays
///            when the object is gone: a refused call then merely fails.
/// Lifetime:  one at a time; reactor and logger outlive it.
/// Thread:    the handler may interrupt anything, malloc included, so it only stores and writes.
/// Source:    seccomp(2) (SECCOMP_RET_TRAP), sigaction(2), signal-safety(7). DESIGN 53
class RefusedCalls {
 public:
  RefusedCalls(event::Reactor& reactor, sys::Logger& log);
  ~RefusedCalls();

 private:
  void on_refused(event::Events events);

  sys::Logger& log_;
  sys::OwnedFd wakeup_;
  event::Watch watch_;
};

}  // namespace kite::app
