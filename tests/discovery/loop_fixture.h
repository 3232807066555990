#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "discovery/discovery_loop.h"
#include "tests/discovery/cycle_harness.h"
#include "tests/support/kept_log.h"
#include "tests/support/scripted_random.h"

namespace kite::discovery {

/// A discovery loop over a fake cluster, with scripted chance: without a script no jitter, so that
/// the interval's base shows as nine tenths of it.
class LoopFixture {
 public:
  explicit LoopFixture(Target target = CycleHarness::default_target(), PollPacer::Range range = {})
      : loop({reactor, api, api, cell, random, logger},
             {{std::move(target), std::chrono::seconds(20), {}}, range}) {
    cell.subscribe([this](const snapshot::SnapshotPtr& set) { published.push_back(set); });
  }

  void turn() { begin_calls(reactor); }
  /// Lets time pass until the next poll has made its first call. Returns how long that took.
  sys::Duration wait_for_poll() {
    const auto deadline = reactor.timers().next_deadline();
    REQUIRE(deadline.has_value());
    const sys::Duration wait = *deadline - clock.steady_now();
    clock.advance(wait);
    turn();
    return wait;
  }
  /// Answers from the cluster, except what is failing, until no call is open.
  void answer_all() {
    for (int i = 0; i < 100; ++i) {
      for (const size_t index : api.open()) {
        if (api.at(index).operation == failing) {
          api.fail(index, failing_class, failing_code);
        } else {
          cluster.answer(api, index);
        }
      }
      turn();
    }
  }
  /// One poll with its answers. Returns how long it was waited for.
  sys::Duration poll() {
    const sys::Duration wait = wait_for_poll();
    answer_all();
    return wait;
  }
  void fail(const std::string& operation, aws::ErrorClass error_class, const std::string& code) {
    failing = operation;
    failing_class = error_class;
    failing_code = code;
  }

  testing::ManualClock clock;
  event::Reactor reactor{clock};
  testing::FakeAwsApi api;
  testing::FakeCluster cluster;
  snapshot::SnapshotCell cell;
  testing::ScriptedRandom random;
  testing::KeptLines lines;
  sys::Logger logger{clock, lines, {sys::LogLevel::debug, sys::LogFormat::text, 10000}};
  std::vector<snapshot::SnapshotPtr> published;
  std::string failing;
  aws::ErrorClass failing_class = aws::ErrorClass::transient;
  std::string failing_code;
  DiscoveryLoop loop;
};

}  // namespace kite::discovery
