#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace kite::app {

/// What the running program needs of the kernel beyond its daily work.
struct SyscallNeeds {
  /// -cache: a file is written anew beside its old self and renamed over it.
  bool writes_files = false;
  /// Sanitizers look at their own process in ways that nothing else here does.
  bool sanitizers = false;
};

/// One condition on one argument: equal to `value` in the bits of `mask`.
struct ArgumentRule {
  uint8_t index = 0;
  uint64_t mask = UINT64_MAX;
  uint64_t value = 0;
};

/// A system call that is allowed if all its conditions hold; several rules may name one call.
struct SyscallRule {
  static constexpr uint32_t kArgumentsMax = 3;

  int number = -1;
  uint32_t argument_count = 0;
  std::array<ArgumentRule, kArgumentsMax> arguments{};
};

/// Everything the program may ask of the kernel once it serves. What is not in it is refused.
/// Pure but for the number of this process, the only one that it may send a signal to.
/// Invariant: nothing in it starts a program or a process, looks into another process, changes an
///            owner, a mode, a mount, a namespace or a module, makes memory executable, or opens
///            a file for writing unless `writes_files`.
/// Source:    the manual pages of the calls; which of them the linked libraries make was read in
///            their sources and seen with strace(1). DESIGN 53
std::vector<SyscallRule> allowed_syscalls(const SyscallNeeds& needs);

}  // namespace kite::app
