#include "discovery/cloud_map_cycle.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/discovery/loop_fixture.h"
#include "tests/support/fake_cloud_map.h"

namespace kite::discovery {

using std::chrono::seconds;

namespace {

constexpr const char* kRevision = "DiscoverInstancesRevision";
constexpr const char* kInstances = "DiscoverInstances";
constexpr const char* kBoth = "DiscoverInstancesRevision DiscoverInstances";

Target registered_target() {
  Target target;
  target.namespace_name = "shop";
  target.service = "orders";
  target.cluster.clear();
  target.tags = {{"slice", "blue"}};
  return target;
}

/// A cycle that is polled by hand, every five seconds.
class Registry {
 public:
  const CycleResult& poll(bool hinted = false) {
    clock.advance(seconds(5));
    turn();
    registry.take_calls();
    cycle.start({.next_poll_within = seconds(5), .hinted = hinted});
    for (int i = 0; i < 20 && cycle.running(); ++i) {
      turn();
      registry.answer();
    }
    REQUIRE_FALSE(cycle.running());
    return results.back();
  }
  std::string calls() { return registry.take_calls(); }
  void turn() { reactor.run_turn(sys::Duration::zero()); }

  testing::ManualClock clock;
  event::Reactor reactor{clock};
  testing::FakeCloudMap registry;
  std::vector<CycleResult> results;
  CloudMapCycle cycle{reactor,
                      registry,
                      {registered_target()},
                      DiscoverySource::OnDone::to<&Registry::on_done>(this)};

  void on_done(const CycleResult& result) { results.push_back(result); }
};

}  // namespace

TEST_CASE("cloud map: the revision is one cheap call while nothing comes or goes") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  const CycleResult& first = test.poll();
  CHECK(test.calls() == kInstances);
  CHECK(first.complete);
  CHECK(first.tasks_listed == 1);
  CHECK(endpoints_text(*first.snapshot, 80) == "10.0.0.1:80");
  CHECK(test.registry.last_query.namespace_name == "shop");
  CHECK(test.registry.last_query.service == "orders");
  CHECK(test.registry.last_query.attributes == std::vector<aws::Tag>{{"slice", "blue"}});
  const snapshot::SnapshotPtr set = first.snapshot;
  CHECK(test.poll().snapshot == set);
  CHECK(test.calls() == kRevision);
  CHECK(test.results.back().calls == 1);
  CHECK(test.results.back().complete);
}

TEST_CASE("cloud map: another revision brings the instances, in the same poll") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.poll();
  test.registry.add("t2", "10.0.0.2");
  CHECK(test.poll().snapshot->backend_count() == 2);
  CHECK(test.calls() == kBoth);
  test.registry.remove("t1");
  CHECK(endpoints_text(*test.poll().snapshot, 80) == "10.0.0.2:80");
}

TEST_CASE("cloud map: health, which moves no revision, is asked for every 30 s") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.registry.add("t2", "10.0.0.2");
  test.poll();
  test.registry.instances["t1"].health = "UNHEALTHY";
  std::string calls;
  for (int i = 0; i < 6; ++i) {
    test.poll();
    calls += test.calls() + ",";
  }
  const std::string revision = std::string(kRevision) + ",";
  CHECK(calls == revision + revision + revision + revision + revision + kInstances + ",");
  CHECK(endpoints_text(*test.results.back().snapshot, 80) == "10.0.0.2:80");
  CHECK(exclusions_text(test.results.back().exclusions) == "t1 unhealthy");
  CHECK(test.cycle.health_of("t1") == "UNHEALTHY");
  CHECK(test.cycle.health_of("t2") == "HEALTHY");
  CHECK(test.cycle.health_of("t3") == "");
}

TEST_CASE("cloud map: a poll that was asked for asks for the instances") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.poll();
  test.poll(true);
  CHECK(test.calls() == kInstances);
}

TEST_CASE("cloud map: a failed call takes nothing away") {
  for (const char* operation : {kRevision, kInstances}) {
    Registry test;
    test.registry.add("t1", "10.0.0.1");
    const snapshot::SnapshotPtr set = test.poll().snapshot;
    test.registry.remove("t1");
    test.registry.failing[operation] = aws::ErrorClass::throttled;
    const CycleResult& result = test.poll();
    CHECK(result.listing == Listing::failed);
    CHECK(result.throttled);
    CHECK_FALSE(result.complete);
    CHECK(result.snapshot == nullptr);
    test.registry.failing.clear();
    test.registry.add("t2", "10.0.0.2");
    CHECK(endpoints_text(*test.poll().snapshot, 80) == "10.0.0.2:80");
  }
}

TEST_CASE("cloud map: without leave to ask for the revision the instances are asked for") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.poll();
  test.registry.failing[kRevision] = aws::ErrorClass::denied;
  test.registry.add("t2", "10.0.0.2");
  const CycleResult& result = test.poll();
  CHECK(test.calls() == kBoth);
  CHECK(result.snapshot->backend_count() == 2);
  CHECK(result.complete);
  CHECK(result.problems.size() == 1);  // so that it is told
  test.registry.failing[kInstances] = aws::ErrorClass::transient;
  CHECK_FALSE(test.poll().complete);
}

TEST_CASE("cloud map: an answer without a revision is followed by the instances again") {
  Registry test;
  test.registry.tells_revision = false;
  test.registry.add("t1", "10.0.0.1");
  test.poll();
  test.poll();
  CHECK(test.calls() == kInstances);
  CHECK(test.results.back().complete);
}

TEST_CASE("cloud map: an empty answer must come twice in a row") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.poll();
  test.registry.remove("t1");
  CHECK(test.poll().listing == Listing::unconfirmed_empty);
  CHECK(test.results.back().snapshot->backend_count() == 1);
  test.registry.failing[kInstances] = aws::ErrorClass::transient;
  CHECK(test.poll().listing == Listing::failed);
  test.registry.failing.clear();
  CHECK(test.poll().listing == Listing::unconfirmed_empty);
  CHECK(test.calls() == kInstances);
  CHECK(test.poll().listing == Listing::complete);
  CHECK(test.results.back().snapshot->backend_count() == 0);
}

TEST_CASE("cloud map: an empty answer at first sight is an answer: nothing serves") {
  Registry test;
  CHECK(test.poll().listing == Listing::complete);
  CHECK(test.results.back().complete);
  CHECK(test.results.back().snapshot->backend_count() == 0);
}

TEST_CASE("cloud map: an instance whose address is left out keeps the one it had") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.poll();
  test.registry.add("t1", "");
  const CycleResult& result = test.poll();
  CHECK_FALSE(result.complete);
  CHECK(endpoints_text(*result.snapshot, 80) == "10.0.0.1:80");
  test.registry.add("t1", "10.0.0.9");
  CHECK(endpoints_text(*test.poll().snapshot, 80) == "10.0.0.9:80");
}

TEST_CASE("cloud map: an answer as long as it can be is told to be cut") {
  Registry test;
  for (size_t i = 0; i < aws::CloudMapApi::kInstancesMax; ++i) {
    test.registry.add("t" + std::to_string(1000 + i), address(i));
  }
  CHECK(test.poll().listing_cut);
  test.registry.remove("t1000");
  CHECK_FALSE(test.poll().listing_cut);
}

TEST_CASE("cloud map: the deadline ends a poll, and the next one begins anew") {
  Registry test;
  test.registry.add("t1", "10.0.0.1");
  test.cycle.start({.next_poll_within = seconds(5)});
  test.turn();
  REQUIRE(test.registry.waiting());
  test.clock.advance(seconds(20));
  test.turn();
  REQUIRE(test.results.size() == 1);
  CHECK(test.results[0].listing == Listing::failed);
  CHECK(test.results[0].problems.at(0).error.code == "cycle_deadline");
  CHECK_FALSE(test.registry.waiting());  // cancelled
  CHECK(test.poll().snapshot->backend_count() == 1);
}

namespace {

/// A discovery loop over a registry, beside an ECS that nobody is to ask.
class RegistryLoop {
 public:
  RegistryLoop() { loop.start(); }
  /// One poll with its answers. Returns how long it was waited for.
  sys::Duration poll() {
    const sys::Duration wait = fixture.wait_for_poll();
    answer();
    return wait;
  }
  void answer() {
    for (int i = 0; i < 20; ++i) {
      registry.answer();
      fixture.turn();
    }
  }

  testing::FakeCloudMap registry;
  LoopFixture fixture;
  DiscoveryLoop loop{{.reactor = fixture.reactor,
                      .ecs = fixture.api,
                      .ec2 = fixture.api,
                      .cell = fixture.cell,
                      .random = fixture.random,
                      .logger = fixture.logger,
                      .cache = nullptr,
                      .cloud_map = &registry},
                     {{registered_target(), seconds(20), {}}, default_poll(registered_target())}};
};

}  // namespace

TEST_CASE("cloud map: the loop polls it as it does ECS") {
  RegistryLoop test;
  test.registry.add("t1", "10.0.0.1").health = "UNHEALTHY";
  test.registry.add("t2", "10.0.0.2");
  for (int i = 0; i < 3; ++i) test.poll();
  CHECK(test.fixture.api.count() == 0);  // ECS is not asked
  CHECK(endpoints_text(*test.fixture.published.back(), 80) == "10.0.0.2:80");
  CHECK(test.loop.stats().tasks_listed == 2);
  CHECK(test.loop.exclusions().size() == 1);
  CHECK(test.fixture.lines.count("event=backends_changed target=cloudmap/shop/orders") == 1);
  CHECK(test.fixture.lines.count("level=info event=task_left_out") == 1);
}

TEST_CASE("cloud map: calm polls are 13.2 s apart at most unless -poll says otherwise") {
  RegistryLoop test;  // its ECS loop would wait for up to 22 s
  CHECK(default_poll(CycleHarness::default_target()).high == seconds(20));
  test.registry.add("t1", "10.0.0.1");
  for (int i = 0; i < 3; ++i) test.poll();
  test.fixture.random.jitters = {std::chrono::hours(1)};  // as much as there can be
  test.poll();
  CHECK(test.poll() == std::chrono::milliseconds(13'200));
}

TEST_CASE("cloud map: its own refusals slow its polls, those of ECS to another target do not") {
  RegistryLoop test;
  test.registry.add("t1", "10.0.0.1");
  for (int i = 0; i < 2; ++i) test.poll();
  test.fixture.wait_for_poll();
  ++test.fixture.api.throttled;
  test.answer();
  CHECK_FALSE(test.loop.stats().polling);
  CHECK_FALSE(test.loop.stats().throttled);
  test.fixture.wait_for_poll();
  ++test.registry.throttled;  // and a retry brought the answer
  test.answer();
  CHECK(test.loop.stats().throttled);
}

}  // namespace kite::discovery
