#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "aws/call_error.h"
#include "event/handler.h"
#include "event/reactor.h"

namespace kite::discovery {

/// API calls waiting for their turn: at most kInFlightMax run at once, whatever their kind, in the
/// order they were added.
/// Owns:      the calls in flight; destroying or clear() cancels them.
/// Lifetime:  a finished call is destroyed in a turn of its own, never from within its callback.
/// Thread:    reactor thread only.
class CallQueue {
 public:
  static constexpr size_t kInFlightMax = 4;
  using Slot = size_t;
  /// Starts the call. Its result callback takes in the answer, adds what follows from it, and calls
  /// finish(slot) last.
  using Start = std::function<std::unique_ptr<aws::Call>(Slot slot)>;
  using OnDrained = event::Handler<void()>;

  /// `on_drained` runs in a later turn, when nothing is left to start and nothing is in flight.
  CallQueue(event::Reactor& reactor, OnDrained on_drained)
      : turn_(reactor, event::Continuation::OnTurn::to<&CallQueue::on_turn>(this)),
        on_drained_(on_drained) {}

  void add(Start start);
  /// Tells on_drained even if nothing was added.
  void wake() { turn_.request(); }
  void finish(Slot slot);
  void clear();
  /// Forgets the calls that are not started; those in flight end as usual.
  void drop_waiting() { waiting_.clear(); }
  size_t in_flight() const;
  uint64_t started_total() const { return started_total_; }

 private:
  struct Flight {
    std::unique_ptr<aws::Call> call;  ///< null when the slot is free
    bool finished = false;
  };

  void on_turn();
  void begin_next(Slot slot);

  std::deque<Start> waiting_;
  std::array<Flight, kInFlightMax> flights_;
  uint64_t started_total_ = 0;
  event::Continuation turn_;
  OnDrained on_drained_;
};

}  // namespace kite::discovery
