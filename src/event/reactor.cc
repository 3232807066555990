#include "event/reactor.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "sys/check.h"

namespace kite::event {

namespace {

uint64_t tag(uint32_t slot, uint32_t generation) {
  return (static_cast<uint64_t>(generation) << 32) | slot;
}

}  // namespace

bool Watch::start(int fd, Interest interest) {
  KITE_CHECK(!started(), "a watch follows one descriptor at a time");
  const uint32_t slot = reactor_.take_slot(*this);
  if (!reactor_.control(EPOLL_CTL_ADD, fd, interest, slot)) {
    reactor_.free_slot(slot);
    return false;
  }
  fd_ = fd;
  slot_ = slot;
  return true;
}

void Watch::adopt(Watch& other) {
  KITE_CHECK(!started() && other.started(),
             "a registration moves from a started watch to an idle one");
  fd_ = std::exchange(other.fd_, -1);
  slot_ = other.slot_;
  reactor_.slots_[slot_].watch = this;
}

void Watch::change(Interest interest) {
  KITE_CHECK(started(), "only a started watch has an interest to change");
  const bool changed = reactor_.control(EPOLL_CTL_MOD, fd_, interest, slot_);
  KITE_CHECK(changed, "a registered descriptor accepts EPOLL_CTL_MOD");
}

void Watch::cancel() {
  if (!started()) return;
  // Not left to close(2): a duplicate of the descriptor would keep the registration alive.
  static_cast<void>(reactor_.control(EPOLL_CTL_DEL, fd_, Interest::none, slot_));
  reactor_.free_slot(slot_);
  fd_ = -1;
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
    : clock_(clock), epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)), now_(clock.steady_now()) {
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

void Reactor::run_turn(sys::Duration wait_max) {
  const int count = ::epoll_wait(epoll_fd_.get(), batch_.data(), static_cast<int>(batch_.size()),
                                 wait_ms(wait_max));
  KITE_CHECK(count >= 0 || errno == EINTR, "epoll_wait fails only by a signal");
  now_ = clock_.steady_now();
  ++stats_.turns;
  run_continuations();  // before the events: what they request waits for the next turn
  for (int i = 0; i < count; ++i) deliver(batch_[static_cast<size_t>(i)]);
  timers_.run_due(now_);
  destroy_retired();
}

uint32_t Reactor::take_slot(Watch& watch) {
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot].watch = &watch;
  return slot;
}

void Reactor::free_slot(uint32_t slot) {
  slots_[slot].watch = nullptr;
  ++slots_[slot].generation;
  free_slots_.push_back(slot);
}

bool Reactor::control(int operation, int fd, Interest interest, uint32_t slot) {
  epoll_event event{};
  event.events = static_cast<uint32_t>(interest);
  event.data.u64 = tag(slot, slots_[slot].generation);
  return ::epoll_ctl(epoll_fd_.get(), operation, fd, &event) == 0;
}

int Reactor::wait_ms(sys::Duration wait_max) const {
  if (!requested_.empty() || !retired_.empty()) return 0;
  sys::Duration wait = wait_max;
  if (const auto deadline = timers_.next_deadline()) {
    wait = std::min(wait, std::max(*deadline - clock_.steady_now(), sys::Duration::zero()));
  }
  if (wait == sys::Duration::max()) return -1;
  // Rounded up: waking a little late is one turn, waking a little early is a busy loop.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

void Reactor::deliver(const epoll_event& event) {
  const auto slot = static_cast<uint32_t>(event.data.u64);
  const auto generation = static_cast<uint32_t>(event.data.u64 >> 32);
  Watch* watch = slots_[slot].watch;
  if (watch == nullptr || slots_[slot].generation != generation) {
    ++stats_.stale_events;
    return;
  }
  ++stats_.events;
  watch->on_ready_(Events(event.events));
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
