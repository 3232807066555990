#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "discovery/discovery_cycle.h"
#include "event/reactor.h"
#include "tests/support/fake_aws_api.h"
#include "tests/support/fake_cluster.h"
#include "tests/support/manual_clock.h"

namespace kite::discovery {

/// "10.0.0.1:32771 10.0.0.2:8080": the endpoints of one port, for comparing in one line.
inline std::string endpoints_text(const snapshot::Snapshot& set, uint16_t port) {
  const snapshot::PortBackends* entry = set.find_port(port);
  if (entry == nullptr) return "no port";
  std::string text;
  for (const snapshot::Backend& backend : entry->backends) {
    if (!text.empty()) text += ' ';
    text += backend.endpoint.text();
  }
  return text;
}

/// "t2 no_address, t3 missing": why tasks were left out.
inline std::string exclusions_text(const std::vector<Exclusion>& exclusions) {
  std::string text;
  for (const Exclusion& exclusion : exclusions) {
    if (!text.empty()) text += ", ";
    text += exclusion.task_id + " " + std::string(reason_name(exclusion.reason));
  }
  return text;
}

inline std::string address(size_t index) {
  return "10.0." + std::to_string(index / 200) + "." + std::to_string(index % 200 + 1);
}

/// `count` bridge tasks t000.. over `instance_count` instances, each with a host port of its own.
inline void fill(testing::FakeCluster& cluster, size_t count, size_t instance_count) {
  std::vector<std::string> arns;
  for (size_t i = 0; i < instance_count; ++i) {
    arns.push_back(cluster.add_instance("i-" + std::to_string(1000 + i), address(i)));
  }
  for (size_t i = 0; i < count; ++i) {
    const auto host_port = static_cast<uint16_t>(32768 + i);
    cluster.add_bridge_task("t" + std::to_string(1000 + i), arns[i % instance_count],
                            {testing::binding(80, host_port)});
  }
}

/// Everything is asked in every poll, so that a test needs one poll to see the answer.
inline constexpr Freshness kNothingFresh = {sys::Duration::zero(), sys::Duration::zero()};

/// Turns until all calls that may be under way are: one begins in each.
inline void begin_calls(event::Reactor& reactor) {
  for (size_t i = 0; i <= CallQueue::kInFlightMax; ++i) reactor.run_turn(sys::Duration::zero());
}

/// One cycle object over a fake API, a fake cluster and a clock that stands still.
class CycleHarness {
 public:
  static constexpr int kTurnsMax = 10000;

  explicit CycleHarness(Target target = default_target(), Freshness freshness = kNothingFresh)
      : cycle(reactor, api, api, inventory,
              {std::move(target), std::chrono::seconds(20), freshness},
              DiscoveryCycle::OnDone::to<&CycleHarness::on_done>(this)) {}

  static Target default_target() {
    Target target;
    target.family = "web";
    target.container = "app";
    return target;
  }

  void turn() { begin_calls(reactor); }
  /// Turns until the cycle waits for answers or is over.
  void settle() {
    for (int i = 0; i < 8; ++i) turn();
  }
  /// Answers every open call from the cluster, except those of `failing`.
  void answer_open(const std::string& failing = "",
                   aws::ErrorClass error_class = aws::ErrorClass::transient) {
    for (const size_t index : api.open()) {
      if (api.at(index).operation == failing) {
        api.fail(index, error_class, "Scripted");
      } else {
        cluster.answer(api, index);
      }
    }
  }
  /// The same until the cycle ends.
  const CycleResult& finish(const std::string& failing = "",
                            aws::ErrorClass error_class = aws::ErrorClass::transient) {
    for (int i = 0; i < kTurnsMax && cycle.running(); ++i) {
      answer_open(failing, error_class);
      turn();
    }
    REQUIRE_FALSE(cycle.running());
    return results.back();
  }
  /// One whole cycle.
  const CycleResult& run(const std::string& failing = "",
                         aws::ErrorClass error_class = aws::ErrorClass::transient) {
    api.forget();
    cycle.start(occasion);
    turn();
    return finish(failing, error_class);
  }

  testing::ManualClock clock;
  event::Reactor reactor{clock};
  testing::FakeAwsApi api;
  testing::FakeCluster cluster;
  Inventory inventory;
  std::vector<CycleResult> results;
  Occasion occasion;  ///< of run()
  DiscoveryCycle cycle;

 private:
  void on_done(const CycleResult& result) { results.push_back(result); }
};

}  // namespace kite::discovery
