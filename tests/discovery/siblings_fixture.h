#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "discovery/discovery_loop.h"
#include "discovery/siblings.h"
#include "tests/discovery/cycle_harness.h"
#include "tests/support/kept_log.h"
#include "tests/support/scripted_random.h"

namespace kite::discovery {

/// Several targets of one program over one fake cluster, whose tasks are listed by family or
/// service. Without a script chance adds nothing.
class SiblingsFixture {
 public:
  struct Member {
    snapshot::SnapshotCell cell;
    std::vector<sys::SteadyTime> published;
    std::unique_ptr<DiscoveryLoop> loop;

    std::string endpoints(uint16_t port = 80) const {
      return cell.current() == nullptr ? "nothing known" : endpoints_text(*cell.current(), port);
    }
    const DiscoveryStats& stats() const { return loop->stats(); }
  };
  struct Made {
    std::string operation;
    std::vector<std::string> ids;
    sys::SteadyTime at;
    bool operator==(const Made&) const = default;
  };

  static Target target(const std::string& family, const std::string& container = "app") {
    Target target;
    target.family = family;
    target.container = container;
    return target;
  }

  Member& add(Target target, bool shares = true) {
    members.push_back(std::make_unique<Member>());
    Member& member = *members.back();
    member.cell.subscribe([this, &member](const snapshot::SnapshotPtr&) {
      member.published.push_back(reactor.now());
    });
    DiscoveryLoop::Deps deps{reactor, api, api, member.cell, random, logger};
    deps.siblings = shares ? &siblings : nullptr;
    member.loop = std::make_unique<DiscoveryLoop>(
        deps, DiscoveryLoop::Options{{std::move(target), std::chrono::seconds(20), {}}, {}});
    return member;
  }
  void start() {
    for (const auto& member : members) member->loop->start();
  }
  /// A task of the family on an instance of its own or a shared one; returns its ARN.
  std::string add_task(const std::string& family, const std::string& id, uint16_t host_port,
                       const std::string& on = "") {
    const std::string arn = testing::FakeCluster::task_arn(id);
    const std::string place = on.empty() ? shared_instance() : on;
    cluster.add_bridge_task(id, place, {testing::binding(80, host_port)});
    cluster.listed_by[arn] = family;
    return arn;
  }
  std::string shared_instance() {
    if (instance_.empty()) instance_ = cluster.add_instance("i-1", "10.0.0.1");
    return instance_;
  }

  void turn() { reactor.run_turn(sys::Duration::zero()); }
  /// Answers what is open, until nothing is and everybody waits for time to pass.
  void answer_all() {
    for (int quiet = 0; quiet < 8; ++quiet) {
      for (const size_t index : api.open()) {
        quiet = 0;
        if (answer == nullptr || !answer(index)) cluster.answer(api, index);
      }
      turn();
      note_calls();
      if (paused) return;
    }
  }
  void run_for(sys::Duration time) {
    const sys::SteadyTime end = clock.steady_now() + time;
    for (;;) {  // ends: every step is a deadline that has passed
      answer_all();
      const auto next = reactor.timers().next_deadline();
      if (!next || *next > end) break;
      clock.advance(std::max(sys::Duration::zero(), *next - clock.steady_now()));
      turn();
    }
    clock.advance(end - clock.steady_now());
    turn();
  }
  /// Until a call of that operation is open; everything before it is answered.
  size_t run_until_open(const std::string& operation) {
    for (int i = 0; i < 1000; ++i) {
      for (const size_t index : api.open()) {
        if (api.at(index).operation == operation) return index;
      }
      const std::vector<size_t> open = api.open();
      for (const size_t index : open) cluster.answer(api, index);
      turn();
      if (!open.empty() || !api.open().empty()) continue;
      for (int quiet = 0; quiet < 8 && api.open().empty(); ++quiet) turn();
      if (!api.open().empty()) continue;
      const auto next = reactor.timers().next_deadline();
      REQUIRE(next.has_value());
      clock.advance(std::max(sys::Duration::zero(), *next - clock.steady_now()));
      turn();
    }
    FAIL("never called");
    return 0;
  }
  /// Calls since forget(), with their times.
  void note_calls() {
    for (; noted_ < api.count(); ++noted_) {
      calls.push_back({api.at(noted_).operation, api.at(noted_).ids, clock.steady_now()});
    }
  }
  void forget() {
    note_calls();
    api.forget();
    noted_ = 0;
    calls.clear();
  }
  size_t count(const std::string& operation) const { return api.count(operation); }

  testing::ManualClock clock;
  event::Reactor reactor{clock};
  testing::FakeAwsApi api;
  testing::FakeCluster cluster;
  testing::ScriptedRandom random;
  testing::KeptLines lines;
  sys::Logger logger{clock, lines, {sys::LogLevel::debug, sys::LogFormat::text, 10000}};
  Siblings siblings;
  std::vector<std::unique_ptr<Member>> members;
  std::function<bool(size_t)> answer;  ///< instead of the cluster's; false: the cluster's
  bool paused = false;
  std::vector<Made> calls;

 private:
  size_t noted_ = 0;
  std::string instance_;
};

inline void set_health(SiblingsFixture& fixture, const std::string& arn,
                       const std::string& health) {
  fixture.cluster.tasks.at(arn).containers.at(0).health_status = health;
}

/// A task that ends, or comes back.
inline void set_status(SiblingsFixture& fixture, const std::string& arn,
                       const std::string& status) {
  fixture.cluster.tasks.at(arn).last_status = status;
}

/// Two targets of one cluster, each with a task of its own on one instance.
struct TwoFamilies : SiblingsFixture {
  TwoFamilies() {
    web_task = add_task("web", "w1", 32001);
    db_task = add_task("db", "d1", 32002);
    web = &add(target("web"));
    db = &add(target("db"));
    start();
  }
  std::string web_task;
  std::string db_task;
  Member* web = nullptr;
  Member* db = nullptr;
};

/// Two targets that ask the same list, which holds one task.
struct TwoOfOneFamily : SiblingsFixture {
  TwoOfOneFamily() {
    add_task("web", "w1", 32001);
    start();
  }
  Member& one = add(target("web"));
  Member& two = add(target("web"));
};

}  // namespace kite::discovery
