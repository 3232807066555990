#pragma once

#include <optional>

#include "app/refused_calls.h"
#include "app/sandbox.h"
#include "cli/config.h"
#include "event/reactor.h"
#include "sys/log.h"
#include "sys/result.h"

namespace kite::app {

/// The sandbox as -sandbox asks for it, and what the log says of it.
/// Lifetime:  reactor and logger outlive it.
class Confinement {
 public:
  Confinement(event::Reactor& reactor, sys::Logger& log) : reactor_(reactor), log_(log) {}

  /// Enters the sandbox, once, and logs what is in force. What is not in force is logged as a
  /// warning each.
  /// Errors:    with SandboxMode::require, what is not in force.
  sys::Result<sys::Done> enter(cli::SandboxMode mode, SyscallNeeds needs);

 private:
  event::Reactor& reactor_;
  sys::Logger& log_;
  std::optional<RefusedCalls> refused_;
};

}  // namespace kite::app
