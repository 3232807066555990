#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "event/handler.h"
#include "sys/clock.h"
#include "sys/fit.h"

namespace kite::event {

class TimerQueue;

/// One deadline, embedded in the object it calls. Fires once; start it again from the handler for
/// a period.
/// Lifetime:  the queue outlives it; destruction cancels.
/// Thread:    reactor thread only.
class Timer {
 public:
  using OnDue = Handler<void()>;

  Timer(TimerQueue& queue, OnDue on_due) : queue_(queue), on_due_(on_due) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  /// Replaces an earlier deadline. One in the past fires in the coming turn.
  void start(sys::SteadyTime deadline);
  void cancel();
  bool armed() const { return heap_index_ != kNotQueued; }
  sys::SteadyTime deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  static constexpr size_t kNotQueued = SIZE_MAX;

  TimerQueue& queue_;
  OnDue on_due_;
  sys::SteadyTime deadline_{};
  uint64_t sequence_ = 0;
  size_t heap_index_ = kNotQueued;
};

/// Deadlines in a binary heap, ordered by time, then by the order they were started in, so that a
/// run under a manual clock always repeats.
class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  std::optional<sys::SteadyTime> next_deadline() const;
  /// Calls every handler due at `now`. A timer started by a handler waits for the next call, even
  /// if it is due already: a turn always ends.
  void run_due(sys::SteadyTime now);
  size_t size() const { return heap_.size(); }
  /// Gives back the room of timers that are no longer armed.
  void shrink() { sys::fit(heap_); }

 private:
  friend class Timer;
  static bool earlier(const Timer& a, const Timer& b);
  void add(Timer& timer);
  void remove(Timer& timer);
  void place(size_t index, Timer* timer);
  void sift_up(size_t index);
  void sift_down(size_t index);

  std::vector<Timer*> heap_;
  uint64_t next_sequence_ = 0;
};

}  // namespace kite::event
