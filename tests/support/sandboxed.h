#pragma once

#include <functional>
#include <string>

#include "app/sandbox.h"
#include "event/reactor.h"
#include "tests/support/kept_log.h"

namespace kite::testing {

/// What a body that runs inside the sandbox can look at.
struct Sandboxed {
  app::SandboxState state;
  event::Reactor& reactor;
  KeptLog& log;
  std::string complaints;  ///< what the test reads afterwards: empty is good

  void expect(bool condition, const std::string& complaint) {
    if (!condition) complaints += complaint + "\n";
  }
  /// The numbers of the refused calls that the loop has heard of by now are in the log.
  void hear_refusals() { reactor.run_turn(std::chrono::milliseconds(0)); }
};

struct SandboxedOptions {
  app::SyscallNeeds needs;
  std::function<void()> before = [] {};  ///< in the child, outside the sandbox
};

/// Enters the sandbox in a child process, by the code that the program uses, runs `body` there and
/// returns its complaints, or how the child ended if it was not by itself.
std::string complaints_in_sandbox(const std::function<void(Sandboxed&)>& body,
                                  const SandboxedOptions& options = {});

/// A field of /proc/self/status, such as "CapEff".
std::string own_status(const std::string& field);

}  // namespace kite::testing
