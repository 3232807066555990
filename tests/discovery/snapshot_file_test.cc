#include "discovery/snapshot_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "discovery/target.h"
#include "sys/small_file.h"
#include "tests/discovery/loop_fixture.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_folder.h"

namespace kite::discovery {

using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr const char* kTarget = "region=eu-west-1 cluster=default family/web/app";

sys::Endpoint at(const std::string& address, uint16_t port) {
  return sys::Endpoint::parse(address, port).value();
}

/// Two tasks, IPv6, a port without backends, and texts that need care.
snapshot::Snapshot odd_set() {
  return snapshot::Snapshot({{"t1", "eu-west-1a"}, {"- 50%\n", ""}, {"-", "\xc3\xa9"}},
                            {{80, {{at("10.0.0.1", 32771), 0}, {at("fd00::1", 80), 1}}},
                             {443, {}},
                             {8080, {{at("10.0.0.9", 65535), 2}}}});
}

snapshot::SnapshotPtr set_of(const std::string& address) {
  return std::make_shared<const snapshot::Snapshot>(
      snapshot::Snapshot({{"t1", "eu-west-1a"}}, {{80, {{at(address, 32771), 0}}}}));
}

struct Cache {
  SnapshotFile file(const std::string& target = kTarget) {
    return SnapshotFile({clock, log.logger}, {folder.path("set"), target});
  }
  std::string text() { return sys::read_small_file(folder.path("set"), 1U << 20U).value(); }

  testing::ScratchFolder folder;
  testing::ManualClock clock;
  testing::KeptLog log{clock};
};

}  // namespace

TEST_CASE("saved set: what was rendered is parsed, whatever is in it") {
  const sys::WallTime time = testing::ManualClock().wall_now();
  for (const snapshot::Snapshot& set : {odd_set(), snapshot::Snapshot()}) {
    const std::string text = render_saved_set(set, kTarget, time);
    const auto saved = parse_saved_set(text, kTarget);
    REQUIRE(saved.ok());
    CHECK(*saved->snapshot == set);
    CHECK(saved->confirmed_at == time);
    CHECK(render_saved_set(*saved->snapshot, kTarget, time) == text);
  }
}

TEST_CASE("saved set: people can read it") {
  const std::string text = render_saved_set(*set_of("10.0.0.1"), kTarget, {});
  CHECK(
      text.starts_with("ecs-task-kite-set 1\n"
                       "target region=eu-west-1%20cluster=default%20family/web/app\n"
                       "confirmed 0\n"
                       "task t1 eu-west-1a\n"
                       "port 80\n"
                       "backend 80 10.0.0.1 32771 0\n"
                       "end "));
}

TEST_CASE("saved set: every cut and every changed byte is noticed") {
  const std::string text = render_saved_set(odd_set(), kTarget, {});
  for (size_t i = 0; i < text.size(); ++i) {
    CHECK_FALSE(parse_saved_set(text.substr(0, i), kTarget).ok());
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(parse_saved_set(changed, kTarget).ok());
  }
  CHECK_FALSE(parse_saved_set(text + "\n", kTarget).ok());
}

TEST_CASE("saved set: one of another target is refused and named") {
  const auto refused = parse_saved_set(render_saved_set(odd_set(), "other one", {}), kTarget);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        std::string("it is of another target: other one; this one is ") + kTarget);
}

TEST_CASE("target identity: everything that decides the backends is in it") {
  const Target plain = CycleHarness::default_target();
  std::vector<std::string> seen = {target_identity(plain, "eu-west-1"),
                                   target_identity(plain, "eu-west-2")};
  const auto changed = [&](auto change) {
    Target target = plain;
    change(target);
    seen.push_back(target_identity(target, "eu-west-1"));
  };
  changed([](Target& target) { target.cluster = "prod"; });
  changed([](Target& target) { target.family = "api"; });
  changed([](Target& target) { target.revision = 7; });
  changed([](Target& target) { target.container = "web"; });
  changed([](Target& target) { target.use_public_addresses = true; });
  changed([](Target& target) { target.ports = {80}; });
  changed([](Target& target) { target.ports = {80, 81}; });
  changed([](Target& target) { target.tags = {{"a", "b"}}; });
  changed([](Target& target) { target.tags = {{"a", "b tag=1:c=1:d"}}; });
  changed([](Target& target) { target.tags = {{"a", "b"}, {"c", "d"}}; });
  changed([](Target& target) {
    target.service = target.family;
    target.family.clear();
  });
  changed([](Target& target) { target.primary_deployment_only = true; });
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("cache: a set is saved when it changes, and confirmed every five minutes") {
  Cache cache;
  SnapshotFile file = cache.file();
  CHECK(file.load() == nullptr);
  CHECK(cache.log.lines.empty());  // a first start is no news
  const snapshot::SnapshotPtr first = set_of("10.0.0.1");
  file.save(first);
  const std::string saved = cache.text();
  cache.clock.advance(minutes(4));
  file.save(first);
  CHECK(cache.text() == saved);
  cache.clock.advance(minutes(1));
  file.save(first);
  CHECK(cache.text() != saved);  // the time
  file.save(set_of("10.0.0.2"));
  const snapshot::SnapshotPtr loaded = cache.file().load();
  REQUIRE(loaded != nullptr);
  CHECK(*loaded == *set_of("10.0.0.2"));
}

TEST_CASE("cache: what is old, of another target or damaged is refused with a line") {
  Cache cache;
  cache.file().save(set_of("10.0.0.1"));
  CHECK(cache.file("another").load() == nullptr);
  CHECK(cache.log.count("event=cache_refused") == 1);
  cache.clock.advance(hours(24));
  SnapshotFile file = cache.file();
  CHECK(file.load() != nullptr);
  CHECK(file.age() == hours(24));
  cache.clock.advance(std::chrono::seconds(1));
  CHECK(cache.file().load() == nullptr);
  CHECK(cache.log.count("addresses may be somebody else's") == 1);
  REQUIRE(sys::replace_file(cache.folder.path("set"), cache.text() + "x").ok());
  CHECK(cache.file().load() == nullptr);
  CHECK(cache.log.count("it is damaged") == 1);
  cache.clock.set_wall({});  // a clock that was set back makes nothing older than it is
  cache.file().save(set_of("10.0.0.1"));
  CHECK(cache.log.count("event=cache_refused") == 3);
}

TEST_CASE("cache: a path that cannot be written is told once, and when it can be again") {
  Cache cache;
  SnapshotFile file({cache.clock, cache.log.logger}, {cache.folder.path("no/set"), kTarget});
  for (int i = 0; i < 3; ++i) file.save(set_of("10.0.0." + std::to_string(i + 1)));
  CHECK(cache.log.count("level=warn event=cache_not_written") == 1);
  REQUIRE(::mkdir(cache.folder.path("no").c_str(), 0700) == 0);
  file.save(set_of("10.0.0.9"));
  CHECK(cache.log.count("event=cache_written_again") == 1);
}

// The loop with a cache.

namespace {

snapshot::SnapshotPtr set_of_two() {
  return std::make_shared<const snapshot::Snapshot>(
      snapshot::Snapshot({{"t1", "eu-west-1a"}, {"t2", "eu-west-1a"}},
                         {{80, {{at("10.0.9.8", 32771), 0}, {at("10.0.9.9", 32771), 1}}}}));
}

/// A kite whose earlier run knew 10.0.9.9, unless told otherwise.
struct Restarted : LoopFixture {
  explicit Restarted(snapshot::SnapshotPtr known = set_of("10.0.9.9"))
      : earlier_set(std::move(known)) {
    loop_with_cache.start();
  }

  snapshot::SnapshotPtr earlier_set;

  testing::ScratchFolder folder;
  SnapshotFile file = [this] {
    SnapshotFile earlier({clock, logger}, {folder.path("set"), kTarget});
    earlier.save(earlier_set);
    clock.advance(minutes(10));
    turn();
    return SnapshotFile({clock, logger}, {folder.path("set"), kTarget});
  }();
  DiscoveryLoop loop_with_cache{
      {reactor, api, api, cell, random, logger, &file},
      {{CycleHarness::default_target(), std::chrono::seconds(20), {}}, {}}};

  std::string serving() const {
    return published.empty() ? "nothing" : endpoints_text(*published.back(), 80);
  }
};

}  // namespace

TEST_CASE("cache: a first poll that is answered needs no cache") {
  Restarted kite;
  fill(kite.cluster, 1, 1);
  kite.poll();
  CHECK(kite.serving() == "10.0.0.1:32768");
  CHECK(kite.lines.count("event=cache_used") == 0);
  CHECK(*SnapshotFile({kite.clock, kite.logger}, {kite.folder.path("set"), kTarget}).load() ==
        *kite.published.back());
}

TEST_CASE(
    "cache: a first poll that fails serves what an earlier run knew, the first good one ours") {
  Restarted kite;
  fill(kite.cluster, 1, 1);
  kite.fail("ecs:ListTasks", aws::ErrorClass::transient, "connect");
  for (int i = 0; i < 3; ++i) {
    kite.poll();
    CHECK(kite.serving() == "10.0.9.9:32771");
    CHECK(kite.loop_with_cache.stats().from_cache);
  }
  CHECK(kite.lines.count("level=warn event=cache_used target=family/web/app") == 1);
  CHECK(kite.lines.count("backends=1 age_s=600") == 1);
  // Listed, but not described: a set of nothing that rests on a failure.
  kite.fail("ecs:DescribeTasks", aws::ErrorClass::transient, "connect");
  kite.poll();
  CHECK(kite.serving() == "10.0.9.9:32771");
  kite.fail("", aws::ErrorClass::transient, "");
  kite.poll();
  CHECK(kite.serving() == "10.0.0.1:32768");
  CHECK_FALSE(kite.loop_with_cache.stats().from_cache);
  CHECK(kite.lines.count("event=cache_left") == 1);
}

TEST_CASE("cache: an empty list must be seen twice before it takes an earlier run's backends") {
  Restarted kite;
  kite.fail("ecs:ListTasks", aws::ErrorClass::throttled, "ThrottlingException");
  kite.poll();
  CHECK(kite.serving() == "10.0.9.9:32771");
  kite.fail("", aws::ErrorClass::transient, "");
  kite.poll();
  CHECK(kite.serving() == "10.0.9.9:32771");
  kite.poll();
  CHECK(kite.published.back()->backend_count() == 0);
  CHECK_FALSE(kite.loop_with_cache.stats().from_cache);
}

TEST_CASE("cache: part of an answer does not replace a larger set, for five minutes") {
  Restarted kite(set_of_two());
  fill(kite.cluster, 101, 1);  // t1000 to t1100: two calls to describe them
  auto& tasks = kite.cluster.tasks;
  for (auto& [arn, task] : tasks) {
    if (arn != tasks.rbegin()->first) task.last_status = "PENDING";
  }
  const auto poll = [&](bool whole) {
    kite.wait_for_poll();
    for (int i = 0; i < 20; ++i) {
      for (const size_t index : kite.api.open()) {
        const auto& call = kite.api.at(index);
        if (!whole && call.operation == "ecs:DescribeTasks" && call.ids.size() == 100) {
          kite.api.fail(index, aws::ErrorClass::transient, "timeout");
        } else {
          kite.cluster.answer(kite.api, index);
        }
      }
      kite.turn();
    }
  };
  SUBCASE("a whole answer replaces it") {
    poll(false);
    CHECK(kite.serving() == "10.0.9.8:32771 10.0.9.9:32771");
    CHECK(kite.loop_with_cache.stats().from_cache);
    poll(true);
    CHECK_FALSE(kite.loop_with_cache.stats().from_cache);
    CHECK(kite.published.back()->backend_count() == 1);
  }
  SUBCASE("what is never answered in full does in the end") {
    const sys::SteadyTime begun = kite.clock.steady_now();
    while (kite.clock.steady_now() < begun + minutes(4)) poll(false);
    CHECK(kite.loop_with_cache.stats().from_cache);
    while (kite.clock.steady_now() < begun + minutes(6)) poll(false);
    CHECK_FALSE(kite.loop_with_cache.stats().from_cache);
    CHECK(kite.published.back()->backend_count() == 1);
  }
}

TEST_CASE("cache: an earlier run that knew of no backend says nothing") {
  LoopFixture kite;
  testing::ScratchFolder folder;
  SnapshotFile file({kite.clock, kite.logger}, {folder.path("set"), kTarget});
  file.save(std::make_shared<const snapshot::Snapshot>());
  DiscoveryLoop loop({kite.reactor, kite.api, kite.api, kite.cell, kite.random, kite.logger, &file},
                     {{CycleHarness::default_target(), std::chrono::seconds(20), {}}, {}});
  loop.start();
  kite.fail("ecs:ListTasks", aws::ErrorClass::transient, "connect");
  kite.poll();
  CHECK(kite.published.empty());
}

}  // namespace kite::discovery
