#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "app/syscall_rules.h"
#include "sys/result.h"

namespace kite::app {

/// How many system calls, counted by number, a loaded filter lets through.
struct LoadedFilter {
  size_t calls = 0;
};

/// Gives the rules to the kernel, for good: from now on any other call raises SIGSYS and is not
/// made (RefusedCalls turns that into EPERM). A call through another processor's table, such as
/// that of 32-bit programs, ends the process.
/// Requires no_new_privs or CAP_SYS_ADMIN.
/// Errors:    what the kernel said; nothing is in force then.
/// Source:    seccomp(2), seccomp_rule_add(3). DESIGN 53
sys::Result<LoadedFilter> load_syscall_filter(std::span<const SyscallRule> rules);

/// "2.5.4", of the library that compiles the rules.
std::string seccomp_library_version();

}  // namespace kite::app
