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

void CallQueue::on_turn() {
  for (Slot slot = 0; slot < flights_.size(); ++slot) {
    Flight& flight = flights_[slot];
    if (flight.finished) flight = Flight{};
    if (flight.call != nullptr || waiting_.empty()) continue;
    const Start start = std::move(waiting_.front());
    waiting_.pop_front();
    flight.call = start(slot);
    KITE_CHECK(flight.call != nullptr, "an API call reports through its callback, even at once");
    ++started_total_;
  }
  if (in_flight() == 0 && waiting_.empty()) on_drained_();  // last: it may add, clear or end us
}

}  // namespace kite::discovery
