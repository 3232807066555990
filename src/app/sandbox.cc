#include "app/sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdint>

#include "app/capabilities.h"
#include "app/syscall_filter.h"
#include "sys/socket.h"

namespace kite::app {

namespace {

constexpr uint64_t kKept = uint64_t{1} << CAP_NET_BIND_SERVICE;

/// Takes everything but `kKept` out of the set that bounds what running a program may give. Needs
/// CAP_SETPCAP; without it there is no_new_privs, which keeps programs from giving anything.
void shrink_bounding_set() {
  for (uint64_t capability = 0; capability < 64; ++capability) {
    const bool known = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != -1;
    if (!known) break;
    if (capability == CAP_NET_BIND_SERVICE) continue;
    static_cast<void>(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
  }
}

void drop_capabilities(SandboxState& state) {
  shrink_bounding_set();
  static_cast<void>(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  CapabilitySets sets;
  if (!read_capabilities(sets)) {
    state.capabilities = "unknown";
    state.problems.push_back("capabilities cannot be read: " + sys::errno_text(errno));
    return;
  }
  const uint64_t kept = sets.permitted & kKept;
  if (!write_capabilities({.effective = kept, .permitted = kept, .inheritable = 0})) {
    state.problems.push_back("capabilities cannot be dropped: " + sys::errno_text(errno));
  }
  if (!read_capabilities(sets)) sets = {};
  const uint64_t left = sets.effective | sets.permitted | sets.inheritable;
  if (left == 0) {
    state.capabilities = "none";
  } else if (left == kKept) {
    state.capabilities = "net_bind_service";
  } else {
    state.capabilities = std::to_string(left);
  }
}

void forbid_new_privileges(SandboxState& state) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    state.problems.push_back("no_new_privs cannot be set: " + sys::errno_text(errno));
  }
  state.no_new_privileges = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/// No core files, which would hold credentials, and no look at /proc/<pid>/mem and the like.
void hide_memory(SandboxState& state) {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    state.problems.push_back("dumpable cannot be cleared: " + sys::errno_text(errno));
  }
  state.dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
}

void filter_syscalls(const SyscallNeeds& needs, SandboxState& state) {
  const auto rules = allowed_syscalls(needs);
  const auto filter = load_syscall_filter(rules);
  if (filter.ok()) {
    state.syscalls_allowed = filter->calls;
  } else {
    state.problems.push_back("system calls cannot be filtered: " + filter.error().message +
                             "; the kernel, or what runs the container, lacks seccomp");
  }
}

}  // namespace

SandboxState enter_sandbox(const SyscallNeeds& needs) {
  SandboxState state;
  drop_capabilities(state);
  forbid_new_privileges(state);
  hide_memory(state);
  filter_syscalls(needs, state);  // the last: it forbids the calls of the others
  return state;
}

bool built_with_sanitizers() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

}  // namespace kite::app
