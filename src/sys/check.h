#pragma once

#include <cstdio>
#include <cstdlib>

namespace kite::sys {

/// Reports a broken invariant and aborts. Lives apart from the macro so that the hot path carries
/// only a compare and a jump to cold code.
[[noreturn, gnu::cold, gnu::noinline]] inline void check_failed(const char* condition,
                                                                const char* why, const char* file,
                                                                int line) {
  std::fprintf(stderr, "level=panic event=check_failed condition=\"%s\" why=\"%s\" at=%s:%d\n",
               condition, why, file, line);
  std::abort();
}

}  // namespace kite::sys

/// A bug in our own code, on in every build: a wrong proxy is worse than a restarted one.
/// Never used for what a peer, the kernel or AWS may do.
#define KITE_CHECK(condition, why)    \
  (__builtin_expect(!!(condition), 1) \
       ? static_cast<void>(0)         \
       : ::kite::sys::check_failed(#condition, why, __FILE__, __LINE__))
