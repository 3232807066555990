// Linked into the shipped program for one test (--wrap), so that a day of polls passes in minutes:
// a wait in which nothing happens is skipped, and the monotonic clock goes on by what was skipped.
// Everything else is the program as it ships. The wall clock, which signatures carry, stays right.

#include <sys/epoll.h>
#include <time.h>

#include <cstdint>

namespace {

/// So long a peer may be silent before it counts as having nothing to say.
constexpr int kPatienceMs = 3;
/// Longer waits are for answers, never for the next poll: they are not skipped.
constexpr int kSkippedMaxMs = 1500;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t skipped_ns = 0;

}  // namespace

extern "C" {

int __real_epoll_wait(int fd, epoll_event* events, int size, int timeout_ms);
int __real_clock_gettime(clockid_t clock, timespec* time);

int __wrap_epoll_wait(int fd, epoll_event* events, int size, int timeout_ms) {
  if (timeout_ms <= kPatienceMs || timeout_ms > kSkippedMaxMs) {
    return __real_epoll_wait(fd, events, size, timeout_ms);
  }
  const int count = __real_epoll_wait(fd, events, size, kPatienceMs);
  if (count == 0) skipped_ns += (timeout_ms - kPatienceMs) * kNsPerMs;
  return count;
}

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  const int result = __real_clock_gettime(clock, time);
  if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW) {
    const int64_t now_ns = time->tv_sec * kNsPerSecond + time->tv_nsec + skipped_ns;
    time->tv_sec = now_ns / kNsPerSecond;
    time->tv_nsec = now_ns % kNsPerSecond;
  }
  return result;
}

}  // extern "C"
