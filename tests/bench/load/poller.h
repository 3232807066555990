#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <span>

#include "sys/owned_fd.h"

namespace kite::load {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

/// Level-triggered epoll with deadlines of nanoseconds.
/// Errors:    a refused epoll call ends the program: without it nothing can be measured.
class Poller {
 public:
  Poller();
  void add(int fd, uint32_t events, void* tag);
  void change(int fd, uint32_t events, void* tag);
  /// Waits for events or `deadline`; the span stays until the next wait.
  std::span<const epoll_event> wait(Time deadline);

 private:
  static constexpr size_t kEventsMax = 256;
  sys::OwnedFd epoll_fd_;
  epoll_event events_[kEventsMax];
};

/// Prints what failed and why, by errno, and ends the program with 1.
[[noreturn]] void give_up(const char* what);
/// The same for what no system call refused: a peer did the wrong thing.
[[noreturn]] void refuse(const char* what);

}  // namespace kite::load
