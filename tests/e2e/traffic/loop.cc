#include "tests/e2e/traffic/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace kite::traffic {
namespace {

constexpr auto kWaitMax = std::chrono::milliseconds(100);  // run() asks `finished` that often

void require(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::abort();
}

}  // namespace

Loop::Loop() : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)), now_(Clock::now()) {
  require(epoll_fd_.valid(), "epoll_create1");
}

void Loop::add(std::unique_ptr<Target> target, uint32_t events) {
  Target* key = target.get();
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = key;
  require(::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, key->fd(), &wanted) == 0, "epoll add");
  entries_[key].owned = std::move(target);
}

void Loop::change(Target& target, uint32_t events) {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &target;
  require(::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, target.fd(), &wanted) == 0, "epoll change");
}

void Loop::set_deadline(Target& target, Time deadline) {
  Entry& entry = entries_.at(&target);
  if (entry.deadline != Time::max()) deadlines_.erase({entry.deadline, &target});
  entry.deadline = deadline;
  if (deadline != Time::max()) deadlines_.insert({deadline, &target});
}

void Loop::remove(Target& target) {
  set_deadline(target, Time::max());
  const auto found = entries_.find(&target);
  ::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, target.fd(), nullptr);
  removed_.push_back(std::move(found->second.owned));
  entries_.erase(found);
}

int Loop::wait_ms() const {
  Clock::duration wait = kWaitMax;
  if (!deadlines_.empty()) {
    wait = std::clamp(deadlines_.begin()->first - Clock::now(), Clock::duration::zero(), wait);
  }
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

void Loop::run_turn() {
  std::array<epoll_event, 128> batch;
  const int count = ::epoll_wait(epoll_fd_.get(), batch.data(), batch.size(), wait_ms());
  require(count >= 0 || errno == EINTR, "epoll_wait");
  now_ = Clock::now();
  for (int i = 0; i < count; ++i) {
    auto* target = static_cast<Target*>(batch[static_cast<size_t>(i)].data.ptr);
    // A target removed earlier in this batch is still alive (removed_), but no longer listed.
    if (entries_.contains(target)) target->on_ready(batch[static_cast<size_t>(i)].events);
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_) {
    Target* target = deadlines_.begin()->second;
    set_deadline(*target, Time::max());
    target->on_deadline();
  }
  removed_.clear();
}

void Loop::run(const std::function<bool()>& finished) {
  while (!finished()) run_turn();
}

}  // namespace kite::traffic
