#include <doctest/doctest.h>
#include <sys/time.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "event/reactor.h"
#include "tests/support/death.h"
#include "tests/support/loop_harness.h"
#include "tests/support/scripted_handlers.h"

namespace kite::event {

namespace {

using testing::ScriptedTimer;
using testing::ScriptedTurn;
using testing::ScriptedWatch;
using testing::SocketPair;

constexpr auto kNoWait = sys::Duration::zero();
/// Would be noticed by whoever waits for the tests; never waited out when all is well.
constexpr auto kLong = std::chrono::seconds(30);

}  // namespace

TEST_CASE("continuation: is called once for any number of wishes, and the turn does not wait") {
  testing::LoopHarness loop;
  ScriptedTurn task(loop.reactor, [] {});
  task.turn.request();
  task.turn.request();
  CHECK(task.turn.requested());
  loop.reactor.run_turn(kLong);
  CHECK(task.calls == 1);
  CHECK_FALSE(task.turn.requested());
  loop.settle();
  CHECK(task.calls == 1);
}

TEST_CASE("continuation: a wish of its own handler is for the next turn") {
  testing::LoopHarness loop;
  ScriptedTurn task(loop.reactor, [&] {
    if (task.calls < 3) task.turn.request();
  });
  task.turn.request();
  for (int turn = 1; turn <= 3; ++turn) {
    loop.reactor.run_turn(kLong);
    CHECK(task.calls == turn);
  }
  loop.settle();
  CHECK(task.calls == 3);
}

TEST_CASE("continuation: run in the order of the wishes; one may cancel or end another") {
  testing::LoopHarness loop;
  std::string order;
  std::optional<ScriptedTurn> ended;
  ScriptedTurn cancelled(loop.reactor, [&] { order += 'x'; });
  ScriptedTurn first(loop.reactor, [&] {
    order += '1';
    cancelled.turn.cancel();
    ended.reset();
  });
  ScriptedTurn last(loop.reactor, [&] { order += '2'; });
  ended.emplace(loop.reactor, [&] { order += 'y'; });
  first.turn.request();
  cancelled.turn.request();
  ended->turn.request();
  last.turn.request();
  loop.settle();
  CHECK(order == "12");
  CHECK_FALSE(cancelled.turn.requested());
  cancelled.turn.request();
  loop.settle();
  CHECK(order == "12x");
}

TEST_CASE("continuation: cancelled and wished for again, it runs once") {
  testing::LoopHarness loop;
  ScriptedTurn task(loop.reactor, [] {});
  task.turn.request();
  task.turn.cancel();
  task.turn.request();
  loop.settle();
  CHECK(task.calls == 1);
}

TEST_CASE("continuation: other descriptors get their turn between two of its calls") {
  testing::LoopHarness loop;
  SocketPair pair;
  std::string order;
  ScriptedTurn greedy(loop.reactor, [&] {
    order += 'g';
    greedy.turn.request();
  });
  ScriptedWatch listener(loop.reactor, [&](Events) { order += 'e'; });
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  pair.poke();
  greedy.turn.request();
  for (int turn = 0; turn < 3; ++turn) loop.reactor.run_turn(kNoWait);
  CHECK(order == "gegege");
}

TEST_CASE("reactor: waits for a deadline once, not in small steps, and never wakes early") {
  testing::FdCensus census;
  sys::SystemClock clock;
  Reactor reactor(clock);
  ScriptedTimer alarm(reactor.timers(), [] {});
  const sys::SteadyTime deadline = clock.steady_now() + std::chrono::microseconds(2300);
  alarm.timer.start(deadline);
  reactor.run_turn(kLong);
  CHECK(alarm.calls == 1);
  CHECK(reactor.now() >= deadline);
  CHECK(reactor.stats().turns == 1);
}

TEST_CASE("reactor: does not wait longer than it is asked to") {
  testing::LoopHarness loop;
  ScriptedTimer alarm(loop.reactor.timers(), [] {});
  alarm.timer.start(loop.clock.steady_now() + std::chrono::hours(1000));
  const auto before = std::chrono::steady_clock::now();
  loop.reactor.run_turn(std::chrono::milliseconds(2));
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(20));
  CHECK(alarm.calls == 0);
}

TEST_CASE("reactor: an overdue timer makes the turn short") {
  testing::LoopHarness loop;
  ScriptedTimer alarm(loop.reactor.timers(), [] {});
  alarm.timer.start(loop.clock.steady_now() - std::chrono::hours(1));
  loop.reactor.run_turn(kLong);
  CHECK(alarm.calls == 1);
}

TEST_CASE("reactor: runs until a handler stops it, and the turn is finished first") {
  testing::LoopHarness loop;
  SocketPair pair;
  std::string order;
  ScriptedTimer alarm(loop.reactor.timers(), [&] { order += 't'; });
  ScriptedWatch listener(loop.reactor, [&](Events) {
    order += 'e';
    loop.reactor.stop();
    alarm.timer.start(loop.reactor.now());
  });
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  pair.poke();
  loop.reactor.run();
  CHECK(order == "et");
}

TEST_CASE("reactor: a stop before the run is not forgotten") {
  testing::LoopHarness loop;
  loop.reactor.stop();
  loop.reactor.run();  // or this never returns
}

TEST_CASE("reactor: a signal handler that interrupts the wait does no harm") {
  testing::LoopHarness loop;
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
  // Repeated, so that one of them arrives within the wait.
  const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 2000},
                        .it_value = {.tv_sec = 0, .tv_usec = 2000}};
  REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  const auto start = std::chrono::steady_clock::now();
  loop.reactor.run_turn(kLong);
  const itimerval never{};
  REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
  REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
  CHECK(std::chrono::steady_clock::now() - start < kLong);
  CHECK(loop.reactor.stats().turns == 1);
  CHECK(loop.reactor.stats().events == 0);
}

TEST_CASE("reactor: misuse of a watch aborts instead of going astray") {
  testing::LoopHarness loop;
  SocketPair pair;
  ScriptedWatch listener(loop.reactor, [](Events) {});
  CHECK(testing::signal_that_ends([&] { listener.watch.change(Interest::read); }) == SIGABRT);
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  CHECK(testing::signal_that_ends([&] {
          static_cast<void>(listener.watch.start(pair.far.get(), Interest::read));
        }) == SIGABRT);
}

}  // namespace kite::event
