#include "event/reactor.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <utility>

#include "sys/check.h"
#include "sys/fit.h"

namespace kite::event {

bool Watch::start(int fd, Interest interest) {
  KITE_CHECK(!started(), "a watch follows one descriptor at a time");
  reactor_.take_slot(fd, *this);
  if (!reactor_.control(EPOLL_CTL_ADD, fd, interest)) {
    reactor_.free_slot(fd);
    return false;
  }
  fd_ = fd;
  return true;
}

void Watch::adopt(Watch& other) {
  KITE_CHECK(!started() && other.started() && !other.recalled_,
             "a registration moves from a started watch to an idle one");
  fd_ = std::exchange(other.fd_, -1);
  reactor_.slot(fd_).watch = this;
}

void Watch::change(Interest interest) {
  KITE_CHECK(started(), "only a started watch has an interest to change");
  const bool changed = reactor_.control(EPOLL_CTL_MOD, fd_, interest);
  KITE_CHECK(changed, "a registered descriptor accepts EPOLL_CTL_MOD");
}

void Watch::recall() {
  KITE_CHECK(started(), "only a started watch is called");
  if (!std::exchange(recalled_, true)) reactor_.recalled_.push_back(reactor_.tag(fd_));
}

void Watch::cancel() {
  if (!started()) return;
  // Not left to close(2): a duplicate of the descriptor would keep the registration alive.
  static_cast<void>(reactor_.control(EPOLL_CTL_DEL, fd_, Interest::none));
  cancel_closing();
}

void Watch::cancel_closing() {
  if (!started()) return;
  reactor_.free_slot(std::exchange(fd_, -1));
  recalled_ = false;
}

void Continuation::request() {
  if (requested()) return;
  index_ = static_cast<uint32_t>(reactor_.requested_.size());
  reactor_.requested_.push_back(this);
}

void Continuation::cancel() {
  if (!requested()) return;
  // It stands in the list being filled or in the one being run; either way its place goes empty.
  for (auto* list : {&reactor_.requested_, &reactor_.running_}) {
    if (index_ < list->size() && (*list)[index_] == this) (*list)[index_] = nullptr;
  }
  index_ = kNotQueued;
}

Reactor::Reactor(const sys::Clock& clock)
    : clock_(clock),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      now_(clock.steady_now()),
      turn_end_(now_) {
  KITE_CHECK(epoll_fd_.valid(), "a process that cannot have one epoll descriptor cannot serve");
}

Reactor::~Reactor() {
  // A destructor may retire more; each round destroys what the one before left.
  while (!retired_.empty()) destroy_retired();
}

void Reactor::destroy_later(std::unique_ptr<Retirable> object) {
  retired_.push_back(std::move(object));
}

void Reactor::run() {
  while (!stopping_) run_turn(sys::Duration::max());
}

void TurnTimes::add(sys::Duration turn) {
  longest_ = std::max(longest_, turn);
  sum_ += turn;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(turn).count();
  const auto bucket = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(us)));
  ++buckets_[std::min(bucket, kBuckets - 1)];
}

void Reactor::run_turn(sys::Duration wait_max) {
  const int count = ::epoll_wait(epoll_fd_.get(), batch_.data(), static_cast<int>(batch_.size()),
                                 wait_ms(wait_max));
  KITE_CHECK(count >= 0 || errno == EINTR, "epoll_wait fails only by a signal");
  now_ = clock_.steady_now();
  ++stats_.turns;
  // Before the events: what those ask for waits for the next turn.
  if (!recalled_.empty()) run_recalled();
  run_continuations();
  for (int i = 0; i < count; ++i) deliver(batch_[static_cast<size_t>(i)]);
  timers_.run_due(now_);
  destroy_retired();
  end_turn();
}

void Reactor::end_turn() {
  turn_end_ = clock_.steady_now();
  stats_.turn_times.add(turn_end_ - now_);
}

void Reactor::shrink() {
  // The recalled that are gone go first: their slots' generations are forgotten with the pages.
  std::erase_if(recalled_, [this](Tag tag) { return find(tag) == nullptr; });
  for (auto& page : pages_) {
    if (page != nullptr && std::ranges::none_of(*page, &Slot::watch)) page.reset();
  }
  while (!pages_.empty() && pages_.back() == nullptr) pages_.pop_back();
  for (auto* list : {&recalled_, &answering_}) sys::fit(*list);
  for (auto* list : {&retired_, &dying_}) sys::fit(*list);
  timers_.shrink();
}

void Reactor::take_slot(int fd, Watch& watch) {
  KITE_CHECK(fd >= 0, "only an open descriptor can be watched");
  const size_t page = static_cast<size_t>(fd) / kSlotsPerPage;
  if (page >= pages_.size()) pages_.resize(page + 1);
  if (pages_[page] == nullptr) pages_[page] = std::make_unique<Page>();
  KITE_CHECK(slot(fd).watch == nullptr, "a descriptor has one watch");
  slot(fd).watch = &watch;
}

void Reactor::free_slot(int fd) {
  slot(fd).watch = nullptr;
  ++slot(fd).generation;
}

bool Reactor::control(int operation, int fd, Interest interest) {
  epoll_event event{};
  event.events = static_cast<uint32_t>(interest);
  event.data.u64 = tag(fd);
  return ::epoll_ctl(epoll_fd_.get(), operation, fd, &event) == 0;
}

int Reactor::wait_ms(sys::Duration wait_max) const {
  if (!recalled_.empty() || !requested_.empty() || !retired_.empty()) return 0;
  sys::Duration wait = wait_max;
  if (const auto deadline = timers_.next_deadline()) {
    wait = std::min(wait, std::max(*deadline - turn_end_, sys::Duration::zero()));
  }
  if (wait == sys::Duration::max()) return -1;
  // Rounded up: waking a little late is one turn, waking a little early is a busy loop.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

Reactor::Tag Reactor::tag(int fd) {
  return (static_cast<Tag>(slot(fd).generation) << 32) | static_cast<uint32_t>(fd);
}

Watch* Reactor::find(Tag tag) {
  const auto index = static_cast<uint32_t>(tag);
  const size_t page = index / kSlotsPerPage;
  if (page >= pages_.size() || pages_[page] == nullptr) return nullptr;
  const Slot& found = slot(index);
  return found.generation == static_cast<uint32_t>(tag >> 32) ? found.watch : nullptr;
}

void Reactor::deliver(const epoll_event& event) {
  Watch* watch = find(event.data.u64);
  if (watch == nullptr) {
    ++stats_.stale_events;
    return;
  }
  ++stats_.events;
  watch->on_ready_(Events(event.events));
}

void Reactor::run_recalled() {
  answering_.swap(recalled_);
  for (const Tag tag : answering_) {  // what they recall goes to the other list
    Watch* watch = find(tag);
    if (watch == nullptr) continue;
    watch->recalled_ = false;
    watch->on_ready_(Events(0));
  }
  answering_.clear();
}

void Reactor::run_continuations() {
  if (requested_.empty()) return;
  running_.swap(requested_);
  // By index: a handler may cancel another's place in this list.
  for (size_t i = 0; i < running_.size(); ++i) {
    Continuation* continuation = running_[i];
    if (continuation == nullptr) continue;
    running_[i] = nullptr;
    continuation->index_ = Continuation::kNotQueued;
    continuation->on_turn_();
  }
  running_.clear();
}

void Reactor::destroy_retired() {
  dying_.swap(retired_);
  for (auto& object : dying_) object.reset();
  dying_.clear();
}

}  // namespace kite::event
