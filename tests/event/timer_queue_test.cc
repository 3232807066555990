#include "event/timer_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sys/random.h"
#include "tests/support/scripted_handlers.h"

namespace kite::event {

namespace {

using sys::SteadyTime;
using testing::ScriptedTimer;

SteadyTime at(int64_t seconds) {
  return SteadyTime(std::chrono::seconds(seconds));
}

/// Alarms that write their letters down when they fire.
struct Alarms {
  ScriptedTimer& add(char letter, SteadyTime deadline) {
    alarms.push_back(std::make_unique<ScriptedTimer>(queue, [this, letter] { fired += letter; }));
    alarms.back()->timer.start(deadline);
    return *alarms.back();
  }
  TimerQueue queue;
  std::string fired;
  std::vector<std::unique_ptr<ScriptedTimer>> alarms;
};

/// A queue and a plain list that are told the same and must agree.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    for (size_t i = 0; i < kTimers; ++i) {
      timers_.push_back(
          std::make_unique<ScriptedTimer>(queue_, [this, i] { fired_.push_back(i); }));
    }
  }

  void take_step() {
    const size_t index = random_.below(kTimers);
    const uint32_t action = random_.below(10);
    if (action < 6) {
      forget(index);
      entries_.push_back({at(now_ + random_.below(30) - 3), sequence_++, index});
      timers_[index]->timer.start(entries_.back().deadline);
    } else if (action < 8) {
      forget(index);
      timers_[index]->timer.cancel();
    } else {
      now_ += random_.below(5);
      fired_.clear();
      queue_.run_due(at(now_));
      REQUIRE(fired_ == take_due());
    }
    REQUIRE(queue_.size() == entries_.size());
    if (entries_.empty()) return;
    REQUIRE(queue_.next_deadline() == std::min_element(entries_.begin(), entries_.end())->deadline);
  }

 private:
  static constexpr uint32_t kTimers = 60;
  struct Entry {
    SteadyTime deadline;
    uint64_t sequence;
    size_t index;
    bool operator<(const Entry& other) const {
      return std::pair(deadline, sequence) < std::pair(other.deadline, other.sequence);
    }
  };

  void forget(size_t index) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.index == index; });
  }
  std::vector<size_t> take_due() {
    std::sort(entries_.begin(), entries_.end());
    std::vector<size_t> due;
    while (!entries_.empty() && entries_.front().deadline <= at(now_)) {
      due.push_back(entries_.front().index);
      entries_.erase(entries_.begin());
    }
    return due;
  }

  sys::SeededRandom random_;
  TimerQueue queue_;
  std::vector<std::unique_ptr<ScriptedTimer>> timers_;
  std::vector<size_t> fired_;
  std::vector<Entry> entries_;
  uint64_t sequence_ = 0;
  int64_t now_ = 0;
};

}  // namespace

TEST_CASE("timer queue: fires in the order of deadlines, equal ones in the order of starting") {
  Alarms a;
  a.add('d', at(9));
  a.add('a', at(5));
  a.add('c', at(7));
  a.add('b', at(5));
  a.add('e', at(9));
  CHECK(a.queue.next_deadline() == at(5));
  a.queue.run_due(at(4));
  CHECK(a.fired.empty());
  a.queue.run_due(at(5));
  CHECK(a.fired == "ab");
  CHECK(a.queue.next_deadline() == at(7));
  a.queue.run_due(at(100));
  CHECK(a.fired == "abcde");
  CHECK(a.queue.size() == 0);
  CHECK_FALSE(a.queue.next_deadline().has_value());
}

TEST_CASE("timer queue: a timer fires once, and a new start replaces the old deadline") {
  Alarms a;
  ScriptedTimer& alarm = a.add('a', at(5));
  CHECK(alarm.timer.armed());
  alarm.timer.start(at(8));
  CHECK(alarm.timer.deadline() == at(8));
  CHECK(a.queue.size() == 1);
  a.queue.run_due(at(7));
  CHECK(a.fired.empty());
  a.queue.run_due(at(8));
  a.queue.run_due(at(9));
  CHECK(a.fired == "a");
  CHECK_FALSE(alarm.timer.armed());
}

TEST_CASE("timer queue: starting again puts a timer behind those of the same deadline") {
  Alarms a;
  ScriptedTimer& first = a.add('a', at(5));
  a.add('b', at(5));
  first.timer.start(at(5));
  a.queue.run_due(at(5));
  CHECK(a.fired == "ba");
}

TEST_CASE("timer queue: cancelling is idempotent, also for one that never started") {
  Alarms a;
  ScriptedTimer& alarm = a.add('a', at(5));
  alarm.timer.cancel();
  alarm.timer.cancel();
  CHECK_FALSE(alarm.timer.armed());
  ScriptedTimer never(a.queue, [] {});
  never.timer.cancel();
  a.queue.run_due(at(9));
  CHECK(a.fired.empty());
}

TEST_CASE("timer queue: a handler cancels another that is due in the same turn") {
  Alarms a;
  ScriptedTimer* victim = nullptr;
  ScriptedTimer killer(a.queue, [&] {
    a.fired += 'k';
    victim->timer.cancel();
  });
  killer.timer.start(at(5));
  victim = &a.add('v', at(5));
  a.add('z', at(6));
  a.queue.run_due(at(6));
  CHECK(a.fired == "kz");
}

TEST_CASE("timer queue: a handler destroys its own timer and others") {
  Alarms a;
  // Destroying the object whose handler runs is not allowed; destroying only its timer is.
  std::optional<Timer> own;
  struct Owner {
    void on_due() {
      alarms->fired += 'o';
      timer->reset();
      alarms->alarms.clear();
    }
    Alarms* alarms;
    std::optional<Timer>* timer;
  } owner{&a, &own};
  own.emplace(a.queue, Timer::OnDue::to<&Owner::on_due>(&owner));
  own->start(at(1));
  a.add('x', at(2));
  a.add('y', at(3));
  a.queue.run_due(at(9));
  CHECK(a.fired == "o");
  CHECK(a.queue.size() == 0);
}

TEST_CASE("timer queue: what a handler starts waits for the next turn, even if it is due") {
  Alarms a;
  int rounds = 0;
  std::unique_ptr<ScriptedTimer> periodic;
  periodic = std::make_unique<ScriptedTimer>(a.queue, [&] {
    ++rounds;
    periodic->timer.start(at(5));
  });
  periodic->timer.start(at(5));
  a.add('b', at(4));
  a.queue.run_due(at(5));
  CHECK(rounds == 1);
  CHECK(a.fired == "b");
  CHECK(a.queue.next_deadline() == at(5));  // so the next turn does not wait
  a.queue.run_due(at(5));
  CHECK(rounds == 2);
}

TEST_CASE("timer queue: a handler starts a later timer again and again without losing others") {
  Alarms a;
  std::unique_ptr<ScriptedTimer> ticker;
  int64_t next = 1;
  ticker = std::make_unique<ScriptedTimer>(a.queue, [&] {
    a.fired += '.';
    ticker->timer.start(at(++next));
  });
  ticker->timer.start(at(next));
  a.add('a', at(2));
  a.add('b', at(4));
  for (int64_t now = 1; now <= 5; ++now) a.queue.run_due(at(now));
  CHECK(a.fired == ".a..b..");
}

TEST_CASE("timer queue: behaves as a sorted list would, whatever happens to it") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Model model(seed);
    for (int step = 0; step < 2000; ++step) model.take_step();
  }
}

}  // namespace kite::event
