#include "event/reactor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/loop_harness.h"
#include "tests/support/scripted_handlers.h"

namespace kite::event {

namespace {

using sys::OwnedFd;
using testing::ScriptedTimer;
using testing::ScriptedTurn;
using testing::ScriptedWatch;
using testing::SocketPair;

/// Writes its letter down when it dies, then does what the test says.
class Mortal final : public Retirable {
 public:
  Mortal(
      std::string& deaths, char letter, std::function<void()> last_words = [] {})
      : deaths_(deaths), letter_(letter), last_words_(std::move(last_words)) {}
  ~Mortal() override {
    deaths_ += letter_;
    last_words_();
  }

 private:
  std::string& deaths_;
  char letter_;
  std::function<void()> last_words_;
};

constexpr auto kNoWait = sys::Duration::zero();

}  // namespace

TEST_CASE("reactor: tells readable, writable, end and error of a descriptor") {
  testing::LoopHarness loop;
  SocketPair pair;
  std::optional<Events> seen;
  ScriptedWatch listener(loop.reactor, [&](Events events) { seen = events; });
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  loop.reactor.run_turn(kNoWait);
  CHECK_FALSE(seen.has_value());

  pair.poke();
  loop.reactor.run_turn(kNoWait);
  REQUIRE(seen.has_value());
  CHECK(seen->readable());
  CHECK_FALSE(seen->writable());
  CHECK_FALSE(seen->error());

  listener.watch.change(Interest::read_write);
  loop.reactor.run_turn(kNoWait);
  CHECK(seen->writable());

  listener.watch.change(Interest::none);
  seen.reset();
  loop.reactor.run_turn(kNoWait);
  CHECK_FALSE(seen.has_value());

  pair.far.reset();  // EPOLLHUP cannot be masked
  loop.reactor.run_turn(kNoWait);
  REQUIRE(seen.has_value());
  CHECK(seen->readable());
  CHECK(seen->writable());
}

TEST_CASE("reactor: level interest is told every turn, edges once for each change") {
  testing::LoopHarness loop;
  SocketPair level;
  SocketPair edges;
  ScriptedWatch level_listener(loop.reactor, [](Events) {});
  ScriptedWatch edge_listener(loop.reactor, [](Events) {});
  REQUIRE(level_listener.watch.start(level.near.get(), Interest::read));
  REQUIRE(edge_listener.watch.start(edges.near.get(), Interest::edges));
  loop.reactor.run_turn(kNoWait);
  CHECK(edge_listener.calls == 1);  // writable from the start
  level.poke();
  edges.poke();
  for (int turn = 0; turn < 3; ++turn) loop.reactor.run_turn(kNoWait);
  CHECK(level_listener.calls == 3);
  CHECK(edge_listener.calls == 2);
  edges.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(edge_listener.calls == 3);
  REQUIRE(::shutdown(edges.far.get(), SHUT_WR) == 0);
  loop.reactor.run_turn(kNoWait);
  CHECK(edge_listener.calls == 4);
}

TEST_CASE("reactor: a cancelled watch hears nothing more, and its descriptor stays open") {
  testing::LoopHarness loop;
  SocketPair pair;
  ScriptedWatch listener(loop.reactor, [&](Events) { listener.watch.cancel(); });
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  pair.poke();
  loop.settle();
  CHECK(listener.calls == 1);
  CHECK_FALSE(listener.watch.started());
  listener.watch.cancel();
  CHECK(::fcntl(pair.near.get(), F_GETFD) != -1);
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  loop.settle(1);
  CHECK(listener.calls == 2);
}

TEST_CASE("reactor: what epoll cannot watch is refused with its errno") {
  testing::LoopHarness loop;
  const OwnedFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ScriptedWatch listener(loop.reactor, [](Events) {});
  CHECK_FALSE(listener.watch.start(file.get(), Interest::read));
  CHECK(errno == EPERM);
  CHECK_FALSE(listener.watch.started());
  SocketPair pair;
  CHECK(listener.watch.start(pair.near.get(), Interest::read));
}

TEST_CASE("reactor: an event for a watch cancelled in the same batch is dropped") {
  testing::LoopHarness loop;
  SocketPair first;
  SocketPair second;
  ScriptedWatch* other_of[2] = {};
  ScriptedWatch a(loop.reactor, [&](Events) { other_of[0]->watch.cancel(); });
  ScriptedWatch b(loop.reactor, [&](Events) { other_of[1]->watch.cancel(); });
  other_of[0] = &b;
  other_of[1] = &a;
  REQUIRE(a.watch.start(first.near.get(), Interest::read));
  REQUIRE(b.watch.start(second.near.get(), Interest::read));
  first.poke();
  second.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(a.calls + b.calls == 1);  // whichever came first silenced the other
  CHECK(loop.reactor.stats().stale_events == 1);
  CHECK(loop.reactor.stats().events == 1);
}

TEST_CASE("reactor: turns are counted by how long they kept everybody else waiting") {
  testing::LoopHarness loop;
  SocketPair pair;
  sys::Duration work = std::chrono::microseconds(900);
  ScriptedWatch listener(loop.reactor, [&](Events) { loop.clock.advance(work); });
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  pair.poke();
  loop.reactor.run_turn(kNoWait);
  work = std::chrono::hours(1);
  loop.reactor.run_turn(kNoWait);
  listener.watch.cancel();
  loop.reactor.run_turn(kNoWait);  // nothing to do
  const TurnTimes& times = loop.reactor.stats().turn_times;
  CHECK(times.longest() == std::chrono::hours(1));
  CHECK(times.buckets()[0] == 1);
  CHECK(times.buckets()[10] == 1);  // 512 to 1,023 us
  CHECK(times.buckets()[TurnTimes::kBuckets - 1] == 1);
}

TEST_CASE("reactor: shrinking keeps what is watched") {
  testing::LoopHarness loop;
  SocketPair kept;
  {
    std::vector<SocketPair> gone(100);
    std::vector<std::unique_ptr<ScriptedWatch>> listeners;
    for (const SocketPair& pair : gone) {
      listeners.push_back(std::make_unique<ScriptedWatch>(loop.reactor, [](Events) {}));
      REQUIRE(listeners.back()->watch.start(pair.near.get(), Interest::read));
    }
  }
  ScriptedWatch listener(loop.reactor, [](Events) {});
  REQUIRE(listener.watch.start(kept.near.get(), Interest::read));
  loop.reactor.shrink();
  kept.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(listener.calls == 1);
}

TEST_CASE("reactor: a reused descriptor number and slot do not inherit an event of the batch") {
  testing::LoopHarness loop;
  SocketPair pairs[2];
  SocketPair quiet;
  std::optional<ScriptedWatch> listeners[2];
  std::optional<ScriptedWatch> heir;
  const auto take_over = [&](size_t victim) {
    // The victim's event waits in this batch; its descriptor number and slot get a new owner.
    const int number = pairs[victim].near.get();
    listeners[victim].reset();
    pairs[victim].near.reset();
    REQUIRE(::dup3(quiet.near.get(), number, O_CLOEXEC) == number);
    pairs[victim].near.reset(number);
    heir.emplace(loop.reactor, [](Events) {});
    REQUIRE(heir->watch.start(number, Interest::read));
  };
  for (size_t i = 0; i < 2; ++i) {
    listeners[i].emplace(loop.reactor, [&, i](Events) { take_over(1 - i); });
    REQUIRE(listeners[i]->watch.start(pairs[i].near.get(), Interest::read));
    pairs[i].poke();
  }
  loop.reactor.run_turn(kNoWait);
  REQUIRE(heir.has_value());
  CHECK(heir->calls == 0);
  CHECK(loop.reactor.stats().stale_events == 1);
  for (auto& listener : listeners) listener.reset();
  quiet.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(heir->calls == 1);
}

TEST_CASE("reactor: more ready descriptors than one batch holds are all served, none twice first") {
  testing::LoopHarness loop;
  constexpr size_t kCount = 300;  // a batch holds 256
  std::vector<SocketPair> pairs(kCount);
  std::vector<std::unique_ptr<ScriptedWatch>> listeners;
  for (const SocketPair& pair : pairs) {
    listeners.push_back(std::make_unique<ScriptedWatch>(loop.reactor, [&](Events) {
      char byte = 0;
      REQUIRE(::read(pair.near.get(), &byte, 1) == 1);
    }));
    REQUIRE(listeners.back()->watch.start(pair.near.get(), Interest::read));
    pair.poke();
  }
  loop.reactor.run_turn(kNoWait);
  CHECK(loop.reactor.stats().events == 256);
  loop.reactor.run_turn(kNoWait);
  CHECK(loop.reactor.stats().events == kCount);
  for (const auto& listener : listeners) CHECK(listener->calls == 1);
}

TEST_CASE("reactor: every handler of a turn sees the same time, read after the wait") {
  testing::LoopHarness loop;
  SocketPair pair;
  std::vector<sys::SteadyTime> seen;
  const auto note = [&] {
    seen.push_back(loop.reactor.now());
    loop.clock.advance(std::chrono::seconds(1));  // a handler that takes its time
  };
  ScriptedWatch listener(loop.reactor, [&](Events) { note(); });
  ScriptedTimer alarm(loop.reactor.timers(), note);
  ScriptedTurn task(loop.reactor, note);
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  const sys::SteadyTime start = loop.clock.steady_now();
  alarm.timer.start(start + std::chrono::seconds(5));
  loop.clock.advance(std::chrono::seconds(5));
  task.turn.request();
  pair.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(seen == std::vector(3, start + std::chrono::seconds(5)));
}

TEST_CASE("reactor: a turn runs continuations, then events, then timers, then deaths") {
  testing::LoopHarness loop;
  SocketPair pair;
  std::string order;
  ScriptedWatch listener(loop.reactor, [&](Events) { order += 'e'; });
  ScriptedTimer alarm(loop.reactor.timers(), [&] { order += 't'; });
  ScriptedTurn task(loop.reactor, [&] { order += 'c'; });
  loop.reactor.destroy_later(std::make_unique<Mortal>(order, 'd'));
  task.turn.request();
  alarm.timer.start(loop.clock.steady_now());
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  pair.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(order == "cetd");
}

TEST_CASE("reactor: a handler may retire the object it belongs to and still use it") {
  testing::LoopHarness loop;
  class Session final : public Retirable {
   public:
    Session(Reactor& reactor, OwnedFd fd, std::unique_ptr<Session>& slot)
        : slot_(slot),
          reactor_(reactor),
          fd_(std::move(fd)),
          watch_(reactor, Watch::OnReady::to<&Session::on_ready>(this)) {
      REQUIRE(watch_.start(fd_.get(), Interest::read));
    }

   private:
    void on_ready(Events) {
      watch_.cancel();
      reactor_.destroy_later(std::move(slot_));
      CHECK(fd_.valid());  // the sanitizer would see a use after free
    }
    std::unique_ptr<Session>& slot_;
    Reactor& reactor_;
    OwnedFd fd_;
    Watch watch_;
  };
  SocketPair pair;
  std::unique_ptr<Session> session;
  session = std::make_unique<Session>(loop.reactor, std::move(pair.near), session);
  pair.poke();
  loop.reactor.run_turn(kNoWait);
  CHECK(session == nullptr);
  char byte = 0;
  CHECK(::read(pair.far.get(), &byte, 1) == -1);  // closed with unread data: a reset
}

TEST_CASE("reactor: the dead go first in, first out; what a destructor retires waits a turn") {
  testing::LoopHarness loop;
  std::string deaths;
  Reactor& reactor = loop.reactor;
  reactor.destroy_later(std::make_unique<Mortal>(
      deaths, 'a', [&] { reactor.destroy_later(std::make_unique<Mortal>(deaths, 'x')); }));
  reactor.destroy_later(std::make_unique<Mortal>(deaths, 'b'));
  reactor.destroy_later(std::make_unique<Mortal>(deaths, 'c'));
  CHECK(deaths.empty());
  reactor.run_turn(std::chrono::seconds(10));  // does not wait: somebody is to be destroyed
  CHECK(deaths == "abc");
  reactor.run_turn(std::chrono::seconds(10));
  CHECK(deaths == "abcx");
}

TEST_CASE("reactor: its end destroys the retired, generation after generation") {
  std::string deaths;
  {
    testing::ManualClock clock;
    Reactor reactor(clock);
    reactor.destroy_later(std::make_unique<Mortal>(deaths, 'a', [&] {
      reactor.destroy_later(std::make_unique<Mortal>(
          deaths, 'b', [&] { reactor.destroy_later(std::make_unique<Mortal>(deaths, 'c')); }));
    }));
  }
  CHECK(deaths == "abc");
}

}  // namespace kite::event
