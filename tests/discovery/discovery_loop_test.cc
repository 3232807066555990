#include "discovery/discovery_loop.h"

#include <doctest/doctest.h>

#include "tests/discovery/loop_fixture.h"

namespace kite::discovery {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("loop: the first poll comes at once, after its jitter") {
  LoopFixture fixture;
  fixture.random.jitters = {milliseconds(321)};
  fixture.loop.start();
  fixture.turn();
  CHECK(fixture.api.count() == 0);
  CHECK(fixture.wait_for_poll() == milliseconds(321));
  fixture.turn();
  CHECK(fixture.api.count("ecs:ListTasks") == 1);
}

TEST_CASE("loop: every finished poll publishes, the same pointer while nothing changes") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  for (int i = 0; i < 3; ++i) fixture.poll();
  REQUIRE(fixture.published.size() == 3);
  CHECK(fixture.published[0]->backend_count() == 2);
  CHECK(fixture.published[1] == fixture.published[0]);
  CHECK(fixture.published[2] == fixture.published[0]);
  fixture.cluster.tasks.erase(fixture.cluster.tasks.begin());
  fixture.poll();
  REQUIRE(fixture.published.size() == 4);
  CHECK(fixture.published[3]->backend_count() == 1);
  CHECK(fixture.published[0]->backend_count() == 2);  // whoever holds the old set keeps it
  CHECK(fixture.loop.stats().set_changes == 2);
  CHECK(fixture.loop.stats().cycles_complete == 4);
}

TEST_CASE("loop: a first poll that fails publishes nothing, and the next comes soon") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.fail("ecs:ListTasks", aws::ErrorClass::transient, "Timeout");
  for (int i = 0; i < 4; ++i) fixture.poll();
  CHECK(fixture.published.empty());
  CHECK(fixture.cell.current() == nullptr);
  CHECK(fixture.loop.stats().cycles_failed == 4);
  fixture.fail("", aws::ErrorClass::transient, "");
  CHECK(fixture.poll() == milliseconds(4500));
  REQUIRE(fixture.published.size() == 1);
  CHECK(fixture.cell.current()->backend_count() == 2);
}

TEST_CASE("loop: a denied first poll is repeated slowly, as nobody repairs that in seconds") {
  LoopFixture fixture;
  fixture.loop.start();
  fixture.fail("ecs:ListTasks", aws::ErrorClass::denied, "AccessDeniedException");
  for (int i = 0; i < 4; ++i) fixture.poll();
  CHECK(fixture.poll() == seconds(18));
  CHECK(fixture.cell.current() == nullptr);
}

TEST_CASE("loop: an empty first set needs every answer, a set with backends does not") {
  LoopFixture fixture;
  fill(fixture.cluster, 120, 1);
  fixture.loop.start();
  fixture.fail("ecs:DescribeTasks", aws::ErrorClass::transient, "");
  fixture.poll();
  CHECK(fixture.cell.current() == nullptr);
  fixture.fail("", aws::ErrorClass::transient, "");
  fixture.wait_for_poll();
  for (int i = 0; fixture.api.open().size() != 2; ++i) {  // both chunks of tasks
    REQUIRE(i < 10);
    for (const size_t index : fixture.api.open()) fixture.cluster.answer(fixture.api, index);
    fixture.turn();
  }
  fixture.api.fail(fixture.api.open().at(0), aws::ErrorClass::transient);
  fixture.answer_all();
  REQUIRE(fixture.cell.current() != nullptr);
  CHECK(fixture.cell.current()->backend_count() == 20);
  CHECK(fixture.loop.stats().cycles_partial == 2);
}

TEST_CASE("loop: a failed poll keeps the last good set and publishes it again") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  for (const aws::ErrorClass error_class :
       {aws::ErrorClass::transient, aws::ErrorClass::not_found, aws::ErrorClass::denied,
        aws::ErrorClass::malformed_answer, aws::ErrorClass::no_credentials}) {
    fixture.fail("ecs:ListTasks", error_class, "X");
    fixture.poll();
    CHECK(fixture.published.back() == fixture.published.front());
  }
  CHECK(fixture.published.size() == 6);
  CHECK(fixture.loop.stats().call_errors[static_cast<size_t>(aws::ErrorClass::denied)].count == 1);
}

TEST_CASE("loop: scale to zero empties the set with the second empty poll, which comes soon") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  for (int i = 0; i < 2; ++i) fixture.poll();
  fixture.cluster.tasks.clear();
  CHECK(fixture.poll() == seconds(18));
  CHECK(fixture.cell.current()->backend_count() == 2);
  CHECK(fixture.loop.stats().empty_lists_kept == 1);
  CHECK(fixture.poll() == milliseconds(4500));
  CHECK(fixture.cell.current()->backend_count() == 0);
}

TEST_CASE("loop: calm polls grow apart, a change brings them together") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  CHECK(fixture.poll() == milliseconds(4500));
  CHECK(fixture.poll() == seconds(18));
  fixture.cluster.tasks.erase(fixture.cluster.tasks.begin());
  fixture.poll();
  CHECK(fixture.poll() == milliseconds(4500));
}

TEST_CASE("loop: more tasks than one call holds are renewed in rounds from the first poll on") {
  LoopFixture fixture;
  fill(fixture.cluster, 150, 3);
  fixture.loop.start();
  fixture.poll();
  const sys::SteadyTime first = fixture.clock.steady_now();
  fixture.api.forget();
  while (fixture.clock.steady_now() < first + seconds(30)) fixture.poll();
  CHECK(fixture.api.count("ecs:DescribeTasks") >= 2);
}

TEST_CASE("loop: a round that finds news does not put the next listing off") {
  LoopFixture fixture;
  fill(fixture.cluster, 150, 3);
  fixture.loop.start();
  for (int i = 0; i < 3; ++i) fixture.poll();
  fixture.api.forget();
  const sys::SteadyTime start = fixture.clock.steady_now();
  for (auto& [arn, task] : fixture.cluster.tasks) {  // each round sees another one turn
    if (fixture.clock.steady_now() >= start + seconds(60)) break;
    task.containers[0].health_status = "UNHEALTHY";
    fixture.poll();
  }
  CHECK(fixture.api.count("ecs:ListTasks") >= 4);
}

TEST_CASE("loop: lookups that keep failing do not keep a large cluster from being described") {
  LoopFixture fixture;
  fill(fixture.cluster, 150, 3);
  fixture.loop.start();
  const sys::SteadyTime start = fixture.clock.steady_now();
  while (fixture.clock.steady_now() < start + std::chrono::minutes(6)) fixture.poll();
  fixture.fail("ec2:DescribeInstances", aws::ErrorClass::denied, "UnauthorizedOperation");
  while (fixture.clock.steady_now() < start + std::chrono::minutes(14)) fixture.poll();
  REQUIRE(fixture.loop.stats().cycles_complete < fixture.loop.stats().cycles_started);
  fixture.api.forget();
  const sys::SteadyTime later = fixture.clock.steady_now();
  while (fixture.clock.steady_now() < later + seconds(120)) fixture.poll();
  CHECK(fixture.api.count("ecs:DescribeTasks") >= 2);
}

TEST_CASE("loop: throttling doubles the interval, and no early poll is made meanwhile") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  fixture.fail("ecs:ListTasks", aws::ErrorClass::throttled, "ThrottlingException");
  fixture.poll();
  fixture.random.jitters = {seconds(7)};  // of 6 s at most
  fixture.fail("ecs:DescribeTasks", aws::ErrorClass::throttled, "ThrottlingException");
  fixture.poll();
  CHECK_FALSE(fixture.loop.poll_soon());
  CHECK(fixture.loop.stats().early_polls_refused == 1);
  CHECK(fixture.poll() == seconds(24));
  CHECK(fixture.loop.stats().cycles_throttled == 3);
  CHECK(fixture.cell.current()->backend_count() == 2);
}

TEST_CASE("loop: a request during a poll is refused while throttled, as it would lead to nothing") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  fixture.fail("ecs:ListTasks", aws::ErrorClass::throttled, "ThrottlingException");
  fixture.poll();
  fixture.wait_for_poll();
  CHECK_FALSE(fixture.loop.poll_soon());
  fixture.answer_all();
  CHECK(fixture.loop.stats().early_polls_refused == 1);
  CHECK(fixture.loop.stats().early_polls == 0);
}

TEST_CASE("loop: an early poll is made at once, but at most once a second") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  fixture.clock.advance(seconds(3));
  fixture.turn();
  CHECK(fixture.loop.poll_soon());
  fixture.cluster.tasks.erase(fixture.cluster.tasks.begin());  // so that the next gap is short
  CHECK(fixture.poll() == sys::Duration::zero());
  for (int i = 0; i < 100; ++i) CHECK(fixture.loop.poll_soon());
  CHECK(fixture.poll() == seconds(1));
  CHECK(fixture.loop.stats().early_polls == 2);
  CHECK(fixture.poll() > seconds(4));
}

namespace {

/// Hints every 100 ms for a minute, as traffic to a dead backend gives. Returns the polls made.
size_t polls_under_hints(LoopFixture& fixture) {
  const size_t before = fixture.api.count("ecs:ListTasks");
  for (int i = 0; i < 600; ++i) {
    fixture.loop.poll_soon();
    fixture.clock.advance(milliseconds(100));
    fixture.answer_all();
  }
  return fixture.api.count("ecs:ListTasks") - before;
}

}  // namespace

TEST_CASE("loop: hints that bring no change cost about a poll each low interval") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  SUBCASE("answered") {}
  SUBCASE("failed") {
    fixture.fail("ecs:ListTasks", aws::ErrorClass::transient, "Timeout");
  }
  const size_t polls = polls_under_hints(fixture);
  CHECK(polls >= 60 / 5);
  CHECK(polls <= 60 / 5 + 4);  // the first ones come sooner
  fixture.fail("", aws::ErrorClass::transient, "");
  fixture.cluster.tasks.erase(fixture.cluster.tasks.begin());
  fixture.poll();
  CHECK(fixture.cell.current()->backend_count() == 1);
  CHECK(fixture.loop.poll_soon());
  CHECK(fixture.poll() == seconds(1));  // the change made hints worth their calls again
}

TEST_CASE("loop: with a range of one second hints without end are served every second") {
  LoopFixture fixture(CycleHarness::default_target(), {seconds(1), seconds(1)});
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  CHECK(polls_under_hints(fixture) >= 58);
}

TEST_CASE("loop: an early poll asked for during a poll follows it") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.wait_for_poll();
  fixture.clock.advance(milliseconds(400));
  fixture.turn();
  fixture.loop.poll_soon();
  fixture.loop.poll_soon();
  CHECK(fixture.api.count("ecs:ListTasks") == 1);
  fixture.answer_all();
  CHECK(fixture.poll() == milliseconds(600));
  CHECK(fixture.loop.stats().early_polls == 1);
}

TEST_CASE("loop: an early poll never delays one that is due sooner") {
  LoopFixture fixture;
  fixture.loop.start();
  fixture.poll();
  fixture.clock.advance(milliseconds(4499));
  fixture.turn();
  fixture.loop.poll_soon();
  CHECK(fixture.poll() <= milliseconds(1));
}

TEST_CASE("loop: a subscriber may ask for a poll while it is being told") {
  LoopFixture fixture;
  bool asked = false;
  fixture.cell.subscribe([&](const snapshot::SnapshotPtr&) {
    if (!std::exchange(asked, true)) fixture.loop.poll_soon();
  });
  fixture.loop.start();
  fixture.poll();
  CHECK(asked);
  CHECK(fixture.poll() == seconds(1));
}

TEST_CASE("loop: a calm poll is one call, and descriptions are renewed within six intervals") {
  LoopFixture fixture(CycleHarness::default_target(), {seconds(1), seconds(1)});
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  fixture.api.forget();
  const sys::SteadyTime start = fixture.reactor.now();
  while (fixture.api.count("ecs:DescribeTasks") == 0) {  // ends: the age limit of 6 s
    REQUIRE(fixture.api.count("ecs:ListTasks") < 7);
    fixture.poll();
  }
  CHECK(fixture.api.count("ecs:ListTasks") >= 5);
  CHECK(fixture.api.count() == fixture.api.count("ecs:ListTasks") + 1);
  CHECK(fixture.reactor.now() - start <= seconds(6));
}

TEST_CASE("loop: a poll that a hint asked for describes tasks again, the next one does not") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  fixture.loop.start();
  fixture.poll();
  fixture.api.forget();
  fixture.loop.poll_soon();
  fixture.poll();
  CHECK(fixture.api.count("ecs:DescribeTasks") == 1);
  fixture.poll();
  CHECK(fixture.api.count("ecs:DescribeTasks") == 1);
  CHECK(fixture.api.count("ecs:ListTasks") == 2);
}

TEST_CASE("loop: what AWS last said of a task's health is told, and changes no set") {
  LoopFixture fixture;
  fill(fixture.cluster, 2, 1);
  aws::Task& first = fixture.cluster.tasks.begin()->second;
  first.containers[0].health_status = "HEALTHY";
  fixture.loop.start();
  fixture.poll();
  CHECK(fixture.loop.health_of("t1000") == "HEALTHY");
  CHECK(fixture.loop.health_of("t1001") == "");
  CHECK(fixture.loop.health_of("nobody") == "");
  first.containers[0].health_status = "UNKNOWN";
  for (int i = 0; i < 6; ++i) fixture.poll();
  CHECK(fixture.loop.health_of("t1000") == "UNKNOWN");
  CHECK(fixture.loop.stats().set_changes == 1);
}

TEST_CASE("loop: counters tell why tasks are left out") {
  LoopFixture fixture;
  fill(fixture.cluster, 3, 1);
  fixture.cluster.tasks.begin()->second.last_status = "PENDING";
  fixture.loop.start();
  fixture.poll();
  const DiscoveryStats& stats = fixture.loop.stats();
  const auto& gauge = stats.excluded[static_cast<size_t>(ExclusionReason::not_running)];
  CHECK(gauge.name == "not_running");
  CHECK(gauge.count == 1);
  CHECK(stats.tasks_listed == 3);
  CHECK(stats.calls == 4);
  CHECK(stats.last_complete == fixture.reactor.now());
  CHECK(exclusions_text(fixture.loop.exclusions()) == "t1000 not_running");
  fixture.cluster.tasks.begin()->second.last_status = "RUNNING";
  fixture.poll();
  CHECK(gauge.count == 0);
  CHECK(fixture.loop.exclusions().empty());
}

}  // namespace kite::discovery
