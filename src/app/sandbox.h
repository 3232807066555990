#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/syscall_rules.h"

namespace kite::app {

/// What the process can no longer do, and what could not be taken from it.
struct SandboxState {
  std::string capabilities;  ///< left: "none", "net_bind_service", or a mask
  bool no_new_privileges = false;
  bool dumpable = true;         ///< others of this user may look into it
  size_t syscalls_allowed = 0;  ///< 0: there is no filter
  /// What is not in force, a sentence each.
  std::vector<std::string> problems;
};

/// Takes from this process, for good, what serving does not need: every capability but
/// NET_BIND_SERVICE, gaining privileges by running a program, being looked into, and every system
/// call that is not in allowed_syscalls(). Works as root and as any user, without help.
/// Each part is tried whatever became of the others: some is better than nothing.
/// Requires a RefusedCalls, or a refused call ends the process. What needs more is opened before:
/// limits, sockets at paths, inherited descriptors.
/// Source:    capabilities(7), prctl(2), seccomp(2). DESIGN 53
SandboxState enter_sandbox(const SyscallNeeds& needs);

/// True in builds whose sanitizers need calls of their own.
bool built_with_sanitizers();

}  // namespace kite::app
