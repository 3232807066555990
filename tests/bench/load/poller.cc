#include "tests/bench/load/poller.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kite::load {

void give_up(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

void refuse(const char* what) {
  std::fprintf(stderr, "load: %s\n", what);
  std::exit(1);
}

Poller::Poller() : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_fd_.valid()) give_up("epoll_create1");
  // The default slack of 50 us would send the requests of a fixed rate in twos and threes.
  if (::prctl(PR_SET_TIMERSLACK, 1) == -1) give_up("PR_SET_TIMERSLACK");
}

void Poller::add(int fd, uint32_t events, void* tag) {
  epoll_event event{events, {tag}};
  if (::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) == -1) give_up("EPOLL_CTL_ADD");
}

void Poller::change(int fd, uint32_t events, void* tag) {
  epoll_event event{events, {tag}};
  if (::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, fd, &event) == -1) give_up("EPOLL_CTL_MOD");
}

std::span<const epoll_event> Poller::wait(Time deadline) {
  timespec timeout{};
  timespec* limit = nullptr;
  if (deadline != Time::max()) {
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timeout = {seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    limit = &timeout;
  }
  const int count = ::epoll_pwait2(epoll_fd_.get(), events_, kEventsMax, limit, nullptr);
  if (count == -1 && errno != EINTR) give_up("epoll_pwait2");
  return {events_, static_cast<size_t>(std::max(count, 0))};
}

}  // namespace kite::load
