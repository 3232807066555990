#include "app/lifecycle.h"

#include <doctest/doctest.h>

#include <csignal>

#include "tests/support/kept_log.h"
#include "tests/support/loop_harness.h"

namespace kite::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = LifecycleStats::Phase;

/// A lifecycle over a data path that the test plays.
struct Life {
  explicit Life(sys::Duration drain_timeout = seconds(25))
      : lifecycle(loop.reactor, log, drain_timeout,
                  {.activity = [this] { return activity; },
                   .begin_drain = [this] { ++drains; },
                   .stop = [this] { ++stops; },
                   .poll_soon = [this] { ++polls; }}) {}

  /// Logical time goes by in small steps, as it would.
  void pass(milliseconds time) {
    constexpr milliseconds kStep{10};
    for (milliseconds passed{0}; passed < time && stops == 0; passed += kStep) {
      loop.clock.advance(kStep);
      loop.reactor.run_turn(sys::Duration::zero());
      lived += kStep;
    }
  }

  testing::LoopHarness loop;
  testing::KeptLines lines;
  sys::Logger log{loop.clock, lines, {}};
  Lifecycle::Activity activity;
  int drains = 0;
  int stops = 0;
  int polls = 0;
  milliseconds lived{0};
  Lifecycle lifecycle;
};

}  // namespace

TEST_CASE("lifecycle: a signal to an idle program ends it after a second") {
  for (const int signal : {SIGTERM, SIGINT}) {
    Life life;
    CHECK(life.lifecycle.stats().phase == Phase::serving);
    life.lifecycle.on_signal(signal);
    CHECK(life.lifecycle.stats().phase == Phase::draining);
    CHECK(life.drains == 1);
    life.pass(milliseconds(990));
    CHECK(life.stops == 0);
    life.pass(milliseconds(100));
    CHECK(life.stops == 1);
    CHECK(life.lifecycle.stats().phase == Phase::ended);
    CHECK(life.lines.contain("reason=idle"));
  }
}

TEST_CASE("lifecycle: while connections are open it drains, and ends a second after the last") {
  Life life;
  life.activity.connections = 3;
  life.lifecycle.on_signal(SIGTERM);
  life.pass(seconds(10));
  CHECK(life.stops == 0);
  life.activity.connections = 0;
  life.pass(milliseconds(950));
  CHECK(life.stops == 0);
  life.pass(milliseconds(200));
  CHECK(life.stops == 1);
}

TEST_CASE("lifecycle: a client that came and went between two looks was served") {
  Life life;
  life.lifecycle.on_signal(SIGTERM);
  for (int i = 0; i < 10; ++i) {
    life.pass(milliseconds(900));
    ++life.activity.accepted;
  }
  CHECK(life.stops == 0);
  life.pass(milliseconds(1200));
  CHECK(life.stops == 1);
}

TEST_CASE("lifecycle: the drain ends when its time is over, whoever is left") {
  Life life(milliseconds(2345));
  life.activity.connections = 7;
  life.lifecycle.on_signal(SIGTERM);
  life.pass(milliseconds(2340));
  CHECK(life.stops == 0);
  life.pass(milliseconds(10));
  CHECK(life.stops == 1);
  CHECK(life.lines.contain("reason=drain_timeout"));
  CHECK(life.lines.contain("connections_cut=7"));
}

TEST_CASE("lifecycle: a second signal ends it at once, of either kind, and only once") {
  Life life;
  life.activity.connections = 1;
  life.lifecycle.on_signal(SIGTERM);
  CHECK(life.stops == 0);
  life.lifecycle.on_signal(SIGINT);
  CHECK(life.stops == 1);
  CHECK(life.lines.contain("reason=second_signal"));
  life.lifecycle.on_signal(SIGTERM);
  life.pass(seconds(30));
  CHECK(life.stops == 1);
}

TEST_CASE("lifecycle: without a drain the first signal ends it at once") {
  Life life(sys::Duration::zero());
  life.activity.connections = 1;
  life.lifecycle.on_signal(SIGTERM);
  CHECK(life.stops == 1);
  CHECK(life.drains == 0);
}

TEST_CASE("lifecycle: SIGHUP polls, also while draining, and ends nothing") {
  Life life;
  life.lifecycle.on_signal(SIGHUP);
  CHECK(life.polls == 1);
  CHECK(life.lifecycle.stats().phase == Phase::serving);
  life.lifecycle.on_signal(SIGTERM);
  life.lifecycle.on_signal(SIGHUP);
  CHECK(life.polls == 2);
  CHECK(life.stops == 0);
}

}  // namespace kite::app
