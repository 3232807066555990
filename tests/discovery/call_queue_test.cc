#include "discovery/call_queue.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace kite::discovery {

namespace {

/// Starts calls that only the test ends, and records what becomes of them.
class QueueHarness {
 public:
  QueueHarness() : queue(reactor, CallQueue::OnDrained::to<&QueueHarness::on_drained>(this)) {}

  void add(const std::string& name) {
    queue.add([this, name](CallQueue::Slot slot) {
      started.push_back(name);
      slots.push_back(slot);
      return std::make_unique<Recorded>(*this, name);
    });
  }
  void turn() { reactor.run_turn(sys::Duration::zero()); }
  void settle() {
    for (size_t i = 0; i <= CallQueue::kInFlightMax; ++i) turn();
  }

  testing::ManualClock clock;
  event::Reactor reactor{clock};
  std::vector<std::string> started;
  std::vector<CallQueue::Slot> slots;
  std::vector<std::string> ended;
  int drained = 0;
  CallQueue queue;

 private:
  class Recorded final : public aws::Call {
   public:
    Recorded(QueueHarness& owner, std::string name) : owner_(owner), name_(std::move(name)) {}
    ~Recorded() override { owner_.ended.push_back(name_); }

   private:
    QueueHarness& owner_;
    std::string name_;
  };
  void on_drained() { ++drained; }
};

}  // namespace

TEST_CASE("call queue: at most four in flight, started in order") {
  QueueHarness harness;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) harness.add(name);
  CHECK(harness.started.empty());  // never from within add()
  harness.turn();
  CHECK(harness.started == std::vector<std::string>{"a"});  // others want their turn too
  harness.settle();
  CHECK(harness.started == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(harness.queue.in_flight() == CallQueue::kInFlightMax);
  harness.queue.finish(harness.slots[2]);
  CHECK(harness.ended.empty());  // not from within its callback
  harness.turn();
  CHECK(harness.ended == std::vector<std::string>{"c"});
  CHECK(harness.started.back() == "e");
  CHECK(harness.slots.back() == harness.slots[2]);
  CHECK(harness.queue.in_flight() == 4);
  CHECK(harness.drained == 0);
}

TEST_CASE("call queue: drained is told once, when the last call is over") {
  QueueHarness harness;
  harness.add("a");
  harness.add("b");
  harness.settle();
  harness.queue.finish(harness.slots[0]);
  harness.turn();
  CHECK(harness.drained == 0);
  harness.add("c");  // what follows from an answer is added before it finishes
  harness.queue.finish(harness.slots[1]);
  harness.turn();
  CHECK(harness.drained == 0);
  harness.queue.finish(harness.slots[2]);
  harness.turn();
  harness.turn();
  CHECK(harness.drained == 1);
  CHECK(harness.queue.started_total() == 3);
}

TEST_CASE("call queue: nothing to do drains when woken") {
  QueueHarness harness;
  harness.turn();
  CHECK(harness.drained == 0);
  harness.queue.wake();
  harness.turn();
  CHECK(harness.drained == 1);
}

TEST_CASE("call queue: clearing cancels what is in flight and forgets what waits") {
  QueueHarness harness;
  for (const char* name : {"a", "b", "c", "d", "e"}) harness.add(name);
  harness.settle();
  harness.queue.finish(harness.slots[0]);
  harness.queue.clear();
  CHECK(harness.ended.size() == 4);
  harness.turn();
  CHECK(harness.drained == 0);
  CHECK(harness.started.size() == 4);
  harness.add("f");
  harness.turn();
  CHECK(harness.started.back() == "f");
}

}  // namespace kite::discovery
