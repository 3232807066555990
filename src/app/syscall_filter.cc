#include "app/syscall_filter.h"

#include <seccomp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "sys/socket.h"

namespace kite::app {

namespace {

struct FilterDeleter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

// Of SCMP_FLTATR_CTL_OPTIMIZE: a call is found by halving, not one after the other.
constexpr uint32_t kBinaryTree = 2;

/// 0, or a negative errno as the library gives it.
int set_attributes(scmp_filter_ctx filter) {
  const std::pair<scmp_filter_attr, uint32_t> attributes[] = {
      {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
      // no_new_privs is set before, and reported by itself.
      {SCMP_FLTATR_CTL_NNP, 0},
      // Kernels before 5.16 would slow every memory access of a filtered process down, as a guard
      // against code that shares the process with a secret. Here nobody else's code runs.
      {SCMP_FLTATR_CTL_SSB, 1},
      {SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree},
      // The kernel's own errors instead of one for all.
      {SCMP_FLTATR_API_SYSRAWRC, 1},
  };
  for (const auto& [attribute, value] : attributes) {
    const int status = ::seccomp_attr_set(filter, attribute, value);
    // A library or a kernel that does not know an attribute works without it.
    if (status != 0 && status != -EEXIST && status != -EOPNOTSUPP) return status;
  }
  return 0;
}

int add_rule(scmp_filter_ctx filter, const SyscallRule& rule) {
  std::array<scmp_arg_cmp, SyscallRule::kArgumentsMax> conditions{};
  for (uint32_t i = 0; i < rule.argument_count; ++i) {
    const ArgumentRule& argument = rule.arguments[i];
    conditions[i] = {argument.index, SCMP_CMP_MASKED_EQ, argument.mask, argument.value};
  }
  const int status = ::seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, rule.number,
                                                    rule.argument_count, conditions.data());
  // The same rule, or a wider one, is there already.
  return status == -EEXIST ? 0 : status;
}

sys::Error filter_error(const char* step, int status) {
  return {std::string(step) + ": " + sys::errno_text(-status)};
}

}  // namespace

sys::Result<LoadedFilter> load_syscall_filter(std::span<const SyscallRule> rules) {
  const Filter filter(::seccomp_init(SCMP_ACT_TRAP));
  if (filter == nullptr) return filter_error("seccomp_init", -EINVAL);
  if (const int status = set_attributes(filter.get()); status != 0) {
    return filter_error("seccomp_attr_set", status);
  }
  std::vector<int> numbers;
  for (const SyscallRule& rule : rules) {
    if (const int status = add_rule(filter.get(), rule); status != 0) {
      return filter_error("seccomp_rule_add", status);
    }
    numbers.push_back(rule.number);
  }
  if (const int status = ::seccomp_load(filter.get()); status != 0) {
    return filter_error("seccomp", status);
  }
  std::sort(numbers.begin(), numbers.end());
  const auto end = std::unique(numbers.begin(), numbers.end());
  return LoadedFilter{static_cast<size_t>(end - numbers.begin())};
}

std::string seccomp_library_version() {
  const scmp_version* version = ::seccomp_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->micro);
}

}  // namespace kite::app
