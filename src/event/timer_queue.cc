#include "event/timer_queue.h"

#include "sys/check.h"

namespace kite::event {

void Timer::start(sys::SteadyTime deadline) {
  cancel();
  deadline_ = deadline;
  queue_.add(*this);
}

void Timer::cancel() {
  if (armed()) queue_.remove(*this);
}

TimerQueue::~TimerQueue() {
  KITE_CHECK(heap_.empty(), "timers are members of objects that die before the queue");
}

std::optional<sys::SteadyTime> TimerQueue::next_deadline() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front()->deadline_;
}

void TimerQueue::run_due(sys::SteadyTime now) {
  const uint64_t first_new_sequence = next_sequence_;
  // Ends: each round removes one timer of those queued before the call. A timer that a handler
  // starts has a later sequence; if it is due already it stops the loop, and the next turn, which
  // will not wait, goes on from there.
  while (!heap_.empty()) {
    Timer& timer = *heap_.front();
    if (timer.deadline_ > now || timer.sequence_ >= first_new_sequence) return;
    remove(timer);
    timer.on_due_();
  }
}

bool TimerQueue::earlier(const Timer& a, const Timer& b) {
  if (a.deadline_ != b.deadline_) return a.deadline_ < b.deadline_;
  return a.sequence_ < b.sequence_;
}

void TimerQueue::add(Timer& timer) {
  timer.sequence_ = next_sequence_++;
  heap_.push_back(&timer);
  place(heap_.size() - 1, &timer);
  sift_up(timer.heap_index_);
}

void TimerQueue::remove(Timer& timer) {
  const size_t index = timer.heap_index_;
  KITE_CHECK(index < heap_.size() && heap_[index] == &timer, "a queued timer knows its place");
  Timer* last = heap_.back();
  heap_.pop_back();
  timer.heap_index_ = Timer::kNotQueued;
  if (last == &timer) return;
  place(index, last);
  sift_up(index);
  sift_down(last->heap_index_);
}

void TimerQueue::place(size_t index, Timer* timer) {
  heap_[index] = timer;
  timer->heap_index_ = index;
}

void TimerQueue::sift_up(size_t index) {
  Timer* timer = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (!earlier(*timer, *heap_[parent])) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerQueue::sift_down(size_t index) {
  Timer* timer = heap_[index];
  for (;;) {  // ends: the index at least doubles each round
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && earlier(*heap_[child + 1], *heap_[child])) ++child;
    if (!earlier(*heap_[child], *timer)) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, timer);
}

}  // namespace kite::event
