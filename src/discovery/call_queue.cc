#include "discovery/call_queue.h"

#include <algorithm>
#include <utility>

#include "sys/check.h"

namespace kite::discovery {

void CallQueue::add(Start start) {
  waiting_.push_back(std::move(start));
  turn_.request();
}

void CallQueue::finish(Slot slot) {
  Flight& flight = flights_[slot];
  KITE_CHECK(flight.call != nullptr && !flight.finished, "a call in flight finishes once");
  flight.finished = true;
  turn_.request();
}

void CallQueue::clear() {
  waiting_.clear();
  for (Flight& flight : flights_) flight = Flight{};
  turn_.cancel();
}

size_t CallQueue::in_flight() const {
  return static_cast<size_t>(std::count_if(
      flights_.begin(), flights_.end(),
      [](const Flight& flight) { return flight.call != nullptr && !flight.finished; }));
}

/// One call begins in a turn: its request is a hundred names to write down and to sign.
void CallQueue::on_turn() {
  bool begun = false;
  for (Slot slot = 0; slot < flights_.size(); ++slot) {
    Flight& flight = flights_[slot];
    if (flight.finished) flight = Flight{};
    if (flight.call != nullptr || waiting_.empty()) continue;
    if (begun) return turn_.request();
    begun = true;
    begin_next(slot);
  }
  if (in_flight() == 0 && waiting_.empty()) on_drained_();  // last: it may add, clear or end us
}

void CallQueue::begin_next(Slot slot) {
  const Start start = std::move(waiting_.front());
  waiting_.pop_front();
  flights_[slot].call = start(slot);
  KITE_CHECK(flights_[slot].call != nullptr,
             "an API call reports through its callback, even at once");
  ++started_total_;
}

}  // namespace kite::discovery
