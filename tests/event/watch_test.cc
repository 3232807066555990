#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <optional>

#include "event/reactor.h"
#include "tests/support/death.h"
#include "tests/support/loop_harness.h"
#include "tests/support/scripted_handlers.h"

namespace kite::event {

namespace {

using testing::ScriptedWatch;
using testing::SocketPair;

constexpr sys::Duration kNoWait{};

}  // namespace

TEST_CASE("watch: a recalled watch is called once in the next turn, without events") {
  testing::LoopHarness loop;
  SocketPair pair;
  bool again = false;
  ScriptedWatch* self = nullptr;
  ScriptedWatch listener(loop.reactor, [&](Events events) {
    CHECK_FALSE(events.readable());
    CHECK_FALSE(events.writable());
    CHECK_FALSE(events.error());
    if (again) self->watch.recall();
  });
  self = &listener;
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  listener.watch.recall();
  listener.watch.recall();
  again = true;
  loop.reactor.run_turn(std::chrono::hours(1));  // does not wait
  CHECK(listener.calls == 1);
  again = false;
  loop.reactor.run_turn(std::chrono::hours(1));  // what it asked for meanwhile is the next turn's
  CHECK(listener.calls == 2);
  loop.reactor.run_turn(kNoWait);
  CHECK(listener.calls == 2);
}

TEST_CASE("watch: a watch that ends is not recalled, nor is the next of its descriptor") {
  testing::LoopHarness loop;
  SocketPair pair;
  std::optional<ScriptedWatch> listener;
  listener.emplace(loop.reactor, [](Events) {});
  REQUIRE(listener->watch.start(pair.near.get(), Interest::read));
  listener->watch.recall();
  listener.reset();
  ScriptedWatch heir(loop.reactor, [](Events) {});
  REQUIRE(heir.watch.start(pair.near.get(), Interest::read));
  loop.reactor.run_turn(kNoWait);
  CHECK(heir.calls == 0);
  heir.watch.recall();
  loop.reactor.run_turn(kNoWait);
  CHECK(heir.calls == 1);
}

TEST_CASE("watch: a descriptor that is closed takes its registration along") {
  testing::LoopHarness loop;
  SocketPair pair;
  ScriptedWatch listener(loop.reactor, [](Events) {});
  REQUIRE(listener.watch.start(pair.near.get(), Interest::read));
  pair.poke();
  listener.watch.cancel_closing();
  CHECK_FALSE(listener.watch.started());
  pair.near.reset();
  loop.reactor.run_turn(kNoWait);
  CHECK(listener.calls == 0);
  CHECK(loop.reactor.stats().stale_events == 0);
}

TEST_CASE("watch: a descriptor has one watch") {
  testing::LoopHarness loop;
  SocketPair pair;
  ScriptedWatch first(loop.reactor, [](Events) {});
  ScriptedWatch second(loop.reactor, [](Events) {});
  REQUIRE(first.watch.start(pair.near.get(), Interest::read));
  CHECK(testing::signal_that_ends([&] {
          static_cast<void>(second.watch.start(pair.near.get(), Interest::read));
        }) == SIGABRT);
}

}  // namespace kite::event
