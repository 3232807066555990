#include "app/confinement.h"

#include <string>

namespace kite::app {

sys::Result<sys::Done> Confinement::enter(cli::SandboxMode mode, SyscallNeeds needs) {
  if (mode == cli::SandboxMode::off) {
    log_.warn("sandbox_off", {{"reason", "-sandbox=off"}});
    return sys::Done{};
  }
  needs.sanitizers = built_with_sanitizers();
  refused_.emplace(reactor_, log_);
  const SandboxState state = enter_sandbox(needs);
  log_.info("sandbox", {{"capabilities", state.capabilities},
                        {"no_new_privs", state.no_new_privileges ? "true" : "false"},
                        {"dumpable", state.dumpable ? "true" : "false"},
                        {"syscalls_allowed", state.syscalls_allowed}});
  if (mode == cli::SandboxMode::require && !state.problems.empty()) {
    return sys::Error{"the sandbox is not whole: " + state.problems.front() +
                      "; start with -sandbox=on to serve with what is in force"};
  }
  for (const std::string& problem : state.problems) {
    log_.warn("sandbox_incomplete", {{"problem", problem}});
  }
  return sys::Done{};
}

}  // namespace kite::app
