#include "event/signal_watch.h"

#include <doctest/doctest.h>

#include <csignal>
#include <vector>

#include "tests/support/loop_harness.h"

namespace kite::event {

namespace {

/// Gives the process its signal mask back: a SignalWatch changes it for good.
class MaskKeeper {
 public:
  MaskKeeper() { REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &mask_) == 0); }
  MaskKeeper(const MaskKeeper&) = delete;
  MaskKeeper& operator=(const MaskKeeper&) = delete;
  ~MaskKeeper() { ::sigprocmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_{};
};

struct Heard {
  explicit Heard(Reactor& reactor)
      : watch(reactor, {SIGTERM, SIGHUP}, SignalWatch::OnSignal::to<&Heard::on_signal>(this)) {}
  void on_signal(int signal) { signals.push_back(signal); }
  std::vector<int> signals;
  SignalWatch watch;
};

}  // namespace

TEST_CASE("signal watch: a signal becomes an event and ends nothing") {
  const MaskKeeper mask;
  testing::LoopHarness loop;
  Heard heard(loop.reactor);
  loop.settle();
  CHECK(heard.signals.empty());
  REQUIRE(::raise(SIGTERM) == 0);
  loop.settle();
  CHECK(heard.signals == std::vector<int>{SIGTERM});
  REQUIRE(::raise(SIGTERM) == 0);
  loop.settle();
  CHECK(heard.signals == std::vector<int>{SIGTERM, SIGTERM});
}

TEST_CASE("signal watch: several signals arrive in one turn, each once") {
  const MaskKeeper mask;
  testing::LoopHarness loop;
  Heard heard(loop.reactor);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(::raise(SIGTERM) == 0);
    REQUIRE(::raise(SIGHUP) == 0);
  }
  loop.reactor.run_turn(std::chrono::seconds(10));
  // The kernel queues a standard signal at most once, lower numbers first (signal(7)).
  CHECK(heard.signals == std::vector<int>{SIGHUP, SIGTERM});
}

TEST_CASE("signal watch: a signal before the first turn is not lost") {
  const MaskKeeper mask;
  testing::LoopHarness loop;
  Heard heard(loop.reactor);
  REQUIRE(::raise(SIGHUP) == 0);
  CHECK(loop.run_until([&] { return !heard.signals.empty(); }));
  CHECK(heard.signals == std::vector<int>{SIGHUP});
}

}  // namespace kite::event
