#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace kite::sys {

/// Reports a broken invariant and aborts. Lives apart from the macro so that the hot path carries
/// only a compare and a jump to cold code. A standard error that nobody reads must not keep the
/// process from ending, so it is written to only if it has room.
[[noreturn, gnu::cold, gnu::noinline]] inline void check_failed(const char* condition,
                                                                const char* why, const char* file,
                                                                int line) {
  char text[512];
  const int length = std::snprintf(
      text, sizeof text, "level=panic event=check_failed condition=\"%s\" why=\"%s\" at=%s:%d\n",
      condition, why, file, line);
  pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (length > 0 && ::poll(&standard_error, 1, 0) == 1) {
    const auto bytes = std::min(static_cast<size_t>(length), sizeof text - 1);
    static_cast<void>(!::write(STDERR_FILENO, text, bytes));
  }
  std::abort();
}

}  // namespace kite::sys

/// A bug in our own code, on in every build: a wrong proxy is worse than a restarted one.
/// Never used for what a peer, the kernel or AWS may do.
#define KITE_CHECK(condition, why)    \
  (__builtin_expect(!!(condition), 1) \
       ? static_cast<void>(0)         \
       : ::kite::sys::check_failed(#condition, why, __FILE__, __LINE__))
