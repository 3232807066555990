#include "proxy/backend_table.h"

#include <doctest/doctest.h>

#include <optional>
#include <random>
#include <set>
#include <vector>

#include "tests/support/backends_harness.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Harness = testing::BackendsHarness<>;

TEST_CASE("backend table: load is counted by task, across ports") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1}, {}, {80, 81}));
  kite.open(kite.choice_of(0, 80));
  const auto second = kite.open(kite.choice_of(0, 81));
  CHECK(kite.view(0, 80).connections == 1);
  CHECK(kite.view(0, 80).task_connections == 2);
  CHECK(kite.view(1, 80).task_connections == 0);
  kite.close(second);
  CHECK(kite.view(0, 80).task_connections == 1);
}

TEST_CASE("backend table: load, health and counters are shared by all targets") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  Balancer other(kite.table, kite.random, {.way = BalanceWay::leastconn, .target = 1});
  other.follow(Harness::set_of({0, 1}), kite.now());
  CHECK(kite.table.size() == 4);
  kite.open(kite.choice_of(0));
  CHECK(other.pick(80, {}, kite.now())->endpoint == Harness::endpoint(1));
  kite.eject(1);
  CHECK(other.pick(80, {}, kite.now())->endpoint == Harness::endpoint(0));
  CHECK(kite.view(1).target == 0);
}

TEST_CASE("backend table: what is known survives the swap of snapshots") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  const auto open = kite.open(kite.choice_of(2));
  kite.eject(1);
  kite.follow(Harness::set_of({1, 2, 3, 4}));
  CHECK(kite.view(1).state == BackendState::ejected);
  CHECK(kite.view(2).connections == 1);
  CHECK(kite.view(2).counters.connections_total == 1);
  kite.close(open);
  CHECK(kite.view(2).counters.client_to_backend_bytes == 1);
}

TEST_CASE("backend table: a departed backend goes with its last connection, and so does its task") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1}));
  const auto first = kite.open(kite.choice_of(0));
  const auto second = kite.open(kite.choice_of(0));
  kite.follow(Harness::set_of({1}));
  CHECK(kite.view(0).state == BackendState::leaving);
  CHECK(kite.table.task_count() == 2);
  kite.close(first);
  CHECK(kite.table.size() == 2);
  kite.close(second);
  CHECK(kite.table.size() == 1);
  CHECK(kite.table.task_count() == 1);
}

TEST_CASE("backend table: sets that come and go for long leave no entry behind") {
  Harness kite;
  for (size_t i = 0; i < 1000; ++i) {
    kite.follow(Harness::set_of({i, i + 1, i + 2}, {}, {80, 81}));
    CHECK(kite.table.size() == 6);
    CHECK(kite.table.task_count() == 3);
  }
  CHECK(kite.table.load(0) == 0);  // numbers are used again, the lowest first
}

TEST_CASE("backend table: an address that passes to another task starts anew") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  const auto old = kite.open(kite.choice_of(0));
  kite.eject(0);
  const auto set = std::make_shared<const snapshot::Snapshot>(
      std::vector<snapshot::BackendTask>{{"another", ""}},
      std::vector<snapshot::PortBackends>{{80, {{Harness::endpoint(0), 0}}}});
  kite.follow(set);
  REQUIRE(kite.table.size() == 2);
  const auto fresh = kite.open(*kite.pick());
  CHECK(fresh.id != old.id);
  CHECK_FALSE(kite.table.health(fresh.id).out());
  CHECK(kite.table.load(kite.table.task(fresh.id)) == 1);
  kite.close(old);
  CHECK(kite.table.size() == 1);
}

TEST_CASE("backend table: failures in a row eject, a success between them does not") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  kite.eject(1, 2);
  kite.close(kite.open(kite.choice_of(1)));
  kite.eject(1, 2);
  CHECK(kite.view(1).state == BackendState::serving);
  kite.eject(1, 1);
  CHECK(kite.view(1).state == BackendState::ejected);
  CHECK(kite.view(1).until == kite.now() + seconds(1));
  CHECK(kite.view(1).counters.connect_failures_total == 5);
  CHECK(kite.table.stats().ejections_total == 1);
  CHECK(kite.table.ejections_total({0, kite.view(1).container_port}) == 1);
  CHECK(kite.table.ejections_total({1, kite.view(1).container_port}) == 0);
  CHECK(kite.lines.contain("event=backend_ejected"));
}

TEST_CASE("backend table: -eject-after=0 ejects nobody") {
  Harness kite({.eject_after = 0});
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  kite.eject(1, 100);
  CHECK(kite.view(1).state == BackendState::serving);
}

TEST_CASE("backend table: never more than half are out, of one backend none") {
  for (const auto& [backends, most] : {std::pair<size_t, size_t>{1, 0}, {2, 1}, {3, 1}, {5, 2}}) {
    Harness kite;
    kite.follow(Harness::set_of(Harness::up_to(backends)));
    for (size_t i = 0; i < backends; ++i) kite.eject(i);
    size_t out = 0;
    for (const BackendView& view : kite.views()) out += view.state == BackendState::ejected;
    CHECK(out == most);
    CHECK(kite.table.stats().ejections_refused_total == backends - most);
  }
}

TEST_CASE("backend table: a set that shrinks takes back those whose time is over first") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  kite.eject(0);
  kite.clock.advance(milliseconds(500));
  kite.eject(1);
  kite.follow(Harness::set_of({0, 1, 2}));
  CHECK(kite.view(0).state == BackendState::serving);
  CHECK(kite.view(1).state == BackendState::ejected);
  kite.follow(Harness::set_of({1}));
  CHECK(kite.view(1).state == BackendState::serving);
}

TEST_CASE("backend table: half is half of every set that lists the backend") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  Balancer other(kite.table, kite.random, {});
  other.follow(Harness::set_of({0, 1}), kite.now());
  kite.eject(0);
  kite.eject(1);
  CHECK(kite.view(0).state == BackendState::ejected);
  CHECK(kite.view(1).state == BackendState::serving);
}

TEST_CASE("backend table: connects that were under way at the ejection say nothing new") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  const auto late = kite.choice_of(0);
  kite.eject(0);
  const auto until = kite.view(0).until;
  for (int i = 0; i < 10; ++i) kite.fail(late);
  CHECK(kite.view(0).until == until);
  CHECK(kite.table.stats().ejections_total == 1);
}

TEST_CASE("backend table: a probe that fails prolongs, one that connects brings it back slowly") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  kite.eject(0);
  kite.clock.advance(seconds(1));
  CHECK(kite.view(0).state == BackendState::probing);
  auto probe = kite.pick();
  REQUIRE(probe.has_value());
  CHECK(probe->probe);
  CHECK(probe->endpoint == Harness::endpoint(0));
  kite.fail(*probe);
  CHECK(kite.view(0).until == kite.now() + seconds(2));
  kite.clock.advance(seconds(2));
  probe = kite.pick();
  kite.open(*probe);
  CHECK(kite.view(0).state == BackendState::slow_start);
  CHECK(kite.view(0).until == kite.now() + seconds(10));
  CHECK(kite.table.stats().probes_total == 2);
  CHECK(kite.table.stats().returns_total == 1);
  CHECK(kite.lines.contain("event=backend_returned"));
}

TEST_CASE("backend table: while one connection is the probe, the others go elsewhere") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1}));
  kite.eject(0);
  kite.clock.advance(seconds(1));
  const auto probe = *kite.pick();
  CHECK(probe.probe);
  kite.table.begin_connection(probe.id, probe.probe);
  for (int i = 0; i < 20; ++i) CHECK(kite.pick_number() == 1);
  kite.table.abandon_probe(probe.id);  // its client went away
  kite.table.end_connection(probe.id);
  CHECK(kite.pick()->probe);
}

TEST_CASE("backend table: early resets are counted, and failures only when configured") {
  for (const bool configured : {false, true}) {
    Harness kite({.eject_on_reset = configured});
    kite.follow(Harness::set_of({0, 1, 2, 3}));
    bool failed = false;
    for (int i = 0; i < 3; ++i) {
      const auto choice = kite.open(kite.choice_of(0));
      failed = kite.table.note_tunnel_end(choice.id, {.reset_by_backend = true}, kite.now());
      kite.table.end_connection(choice.id);
    }
    CHECK(failed == configured);
    CHECK(kite.view(0).counters.early_resets_total == 3);
    CHECK((kite.view(0).state == BackendState::ejected) == configured);
  }
}

TEST_CASE("backend table: a reset after the first byte is not early") {
  Harness kite({.eject_on_reset = true});
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  for (int i = 0; i < 5; ++i) {
    const auto choice = kite.open(kite.choice_of(0));
    kite.table.note_tunnel_end(choice.id, {.backend_to_client_bytes = 1, .reset_by_backend = true},
                               kite.now());
    kite.table.end_connection(choice.id);
  }
  CHECK(kite.view(0).state == BackendState::serving);
  CHECK(kite.view(0).counters.early_resets_total == 0);
}

TEST_CASE("backend table: with resets judged a probe passes by a byte, or by being kept a second") {
  for (const bool by_byte : {false, true}) {
    Harness kite({.eject_on_reset = true});
    kite.follow(Harness::set_of({0, 1, 2, 3}));
    kite.eject(0);
    kite.clock.advance(seconds(1));
    const auto probe = kite.open(*kite.pick());
    REQUIRE(probe.probe);
    CHECK(kite.view(0).state == BackendState::probing);
    if (by_byte) kite.close(probe);
    kite.clock.advance(by_byte ? seconds(0) : seconds(1));
    kite.pick();
    CHECK(kite.view(0).state == BackendState::slow_start);
  }
}

TEST_CASE("backend table: with resets judged a probe that is reset prolongs the ejection") {
  Harness kite({.eject_on_reset = true});
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  kite.eject(0);
  kite.clock.advance(seconds(1));
  const auto probe = kite.open(*kite.pick());
  kite.reset(probe, kite.now());
  CHECK(kite.view(0).state == BackendState::ejected);
  CHECK(kite.view(0).until == kite.now() + seconds(2));
}

TEST_CASE("backend table: with resets judged what was made before the ejection decides nothing") {
  for (const bool by_reset : {false, true}) {
    Harness kite({.eject_on_reset = true});
    kite.follow(Harness::set_of({0, 1, 2, 3}));
    const auto old = kite.open(kite.choice_of(0));
    const sys::SteadyTime connected_at = kite.now();
    kite.clock.advance(milliseconds(500));
    kite.eject(0);
    kite.clock.advance(seconds(1));
    const auto probe = kite.open(*kite.pick());
    REQUIRE(probe.probe);
    by_reset ? kite.reset(old, connected_at) : kite.close(old, connected_at);
    CHECK(kite.view(0).state == BackendState::probing);
    kite.close(probe);
    CHECK(kite.view(0).state == BackendState::slow_start);
  }
}

TEST_CASE("backend table: with resets judged a connection that is kept breaks the row") {
  Harness kite({.eject_on_reset = true});
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  kite.eject(0, 2);
  kite.clock.advance(milliseconds(1));
  kite.open(kite.choice_of(0));  // it stays
  kite.clock.advance(milliseconds(999));
  kite.eject(0, 1);  // not yet kept for a second: the third in a row
  CHECK(kite.view(0).state == BackendState::ejected);

  kite.eject(1, 2);
  kite.clock.advance(milliseconds(1));
  kite.open(kite.choice_of(1));
  kite.clock.advance(seconds(1));
  kite.eject(1, 2);
  CHECK(kite.view(1).state == BackendState::serving);
  kite.eject(1, 1);
  CHECK(kite.view(1).state == BackendState::ejected);
}

TEST_CASE("backend table: with resets judged one that is reset late was not kept") {
  Harness kite({.eject_on_reset = true});
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  for (int i = 0; i < 3; ++i) {
    CHECK(kite.view(0).state == BackendState::serving);
    const auto choice = kite.open(kite.choice_of(0));
    const sys::SteadyTime connected_at = kite.now();
    kite.clock.advance(seconds(5));
    kite.reset(choice, connected_at);
  }
  CHECK(kite.view(0).state == BackendState::ejected);
}

TEST_CASE("backend table: a task's share grows from a tenth to all in the slow start") {
  Harness kite;
  kite.follow(Harness::set_of({0}));
  kite.follow(Harness::set_of({0, 1}));
  const BackendId old = kite.choice_of(0).id;
  const BackendId young = kite.choice_of(1).id;
  CHECK(kite.view(1).state == BackendState::slow_start);
  for (const auto& [at_ms, weight] : {std::pair{0, 102U},
                                      {999, 102U},
                                      {5000, 512U},
                                      {9999, 1023U},
                                      {10000, BackendTable::kFullWeight}}) {
    CHECK(kite.table.weight(young, kite.now() + milliseconds(at_ms)) == weight);
    CHECK(kite.table.weight(old, kite.now()) == BackendTable::kFullWeight);
  }
}

TEST_CASE("backend table: the first set, and every set with -slow-start=0, starts at full share") {
  Harness first;
  first.follow(std::make_shared<const snapshot::Snapshot>());
  first.follow(Harness::set_of({0, 1}));
  CHECK(first.view(0).state == BackendState::serving);
  Harness off({.slow_start = seconds(0)});
  off.follow(Harness::set_of({0}));
  off.follow(Harness::set_of({0, 1}));
  CHECK(off.view(1).state == BackendState::serving);
  CHECK(off.table.weight(off.choice_of(1).id, off.now()) == BackendTable::kFullWeight);
}

TEST_CASE("backend table: a task known on one port does not start slowly on another") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1}));
  kite.follow(Harness::set_of({0, 1}, {}, {80, 81}));
  CHECK(kite.view(0, 81).state == BackendState::serving);
}

TEST_CASE("backend table: after any change of sets it holds what is listed or open, in order") {
  const std::vector<uint16_t> ports = {80, 81};
  Harness kite;
  std::minstd_rand random(7);
  const auto below = [&](size_t end) {
    return std::uniform_int_distribution<size_t>(0, end - 1)(random);
  };
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    std::vector<size_t> listed;
    for (size_t number = 0; number < 40; ++number) {
      if (below(3) > 0) listed.push_back(number);
    }
    kite.follow(Harness::set_of(listed, {}, ports));
    std::set<sys::Endpoint> wanted;
    for (const size_t number : listed) {
      for (const uint16_t port : ports) wanted.insert(Harness::endpoint(number, port));
    }
    std::optional<Balancer::Choice> kept;  // leaves with its connection
    if (!listed.empty()) kept = kite.open(kite.choice_of(listed[below(listed.size())], 80));
    kite.follow(Harness::set_of({below(40)}, {}, {80}));
    if (kept) kite.close(*kept);
    kite.follow(Harness::set_of(listed, {}, ports));
    std::vector<sys::Endpoint> held;
    for (const BackendView& view : kite.views()) held.push_back(view.endpoint);
    REQUIRE(held == std::vector<sys::Endpoint>(wanted.begin(), wanted.end()));
    REQUIRE(kite.table.task_count() == listed.size());
  }
}

}  // namespace kite::proxy
