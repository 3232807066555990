#include "proxy/balancer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/backends_harness.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Harness = testing::BackendsHarness<>;
using Counts = std::vector<size_t>;

namespace {

constexpr BalanceWay kWays[] = {BalanceWay::random, BalanceWay::roundrobin, BalanceWay::leastconn,
                                BalanceWay::p2c};

/// With chance as in the program.
struct SeededHarness : testing::BackendsHarness<sys::SeededRandom> {
  explicit SeededHarness(BalanceWay way, uint64_t seed = 42)
      : BackendsHarness({}, way, sys::SeededRandom(seed)) {}
};

bool all_between(const Counts& counts, size_t least, size_t most) {
  return std::all_of(counts.begin(), counts.end(),
                     [&](size_t count) { return least <= count && count <= most; });
}

/// Far more than chance strays from an expected count of n: six standard deviations.
bool about(size_t count, double expected) {
  const double off = static_cast<double>(count) - expected;
  return off * off <= 36 * expected;
}

}  // namespace

TEST_CASE("balancer: random picks what chance says") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2}));
  kite.random.choices = {2, 0, 1};
  CHECK(kite.pick_number() == 2);
  CHECK(kite.pick_number() == 0);
  CHECK(kite.pick_number() == 1);
}

TEST_CASE("balancer: random is uniform over 30,000 picks (chi-square, 2 degrees, p = 0.0001)") {
  SeededHarness kite(BalanceWay::random);
  kite.follow(Harness::set_of({0, 1, 2}));
  double chi_square = 0;
  for (const size_t count : kite.spread(3, 30000)) {
    const double off = static_cast<double>(count) - 10000.0;
    chi_square += off * off / 10000.0;
  }
  CHECK(chi_square < 18.4);
}

TEST_CASE("balancer: whatever the way, what was tried is not picked, and nothing is left at last") {
  for (const BalanceWay way : kWays) {
    CAPTURE(static_cast<int>(way));
    Harness kite({}, way);
    kite.follow(Harness::set_of({0, 1, 2}));
    std::vector<sys::Endpoint> tried;
    for (int i = 0; i < 3; ++i) {
      const auto choice = kite.pick(tried);
      REQUIRE(choice.has_value());
      CHECK(std::find(tried.begin(), tried.end(), choice->endpoint) == tried.end());
      tried.push_back(choice->endpoint);
    }
    CHECK_FALSE(kite.pick(tried).has_value());
  }
}

TEST_CASE("balancer: a port that nothing serves has nothing to pick") {
  Harness kite;
  CHECK_FALSE(kite.balancer.serves(Harness::kPort));
  kite.follow(std::make_shared<const snapshot::Snapshot>(
      std::vector<snapshot::BackendTask>{}, std::vector<snapshot::PortBackends>{{80, {}}}));
  CHECK_FALSE(kite.balancer.serves(80));
  CHECK_FALSE(kite.pick().has_value());
  CHECK_FALSE(kite.pick({}, 81).has_value());
  kite.follow(Harness::set_of({0}));
  CHECK(kite.balancer.serves(80));
  CHECK_FALSE(kite.balancer.serves(81));
}

TEST_CASE("balancer: round robin goes round, from anywhere") {
  Harness kite({}, BalanceWay::roundrobin);
  kite.random.choices = {2};
  kite.follow(Harness::set_of({0, 1, 2}));
  for (const size_t expected : {2, 0, 1, 2, 0, 1}) CHECK(kite.pick_number() == expected);
}

TEST_CASE("balancer: round robin goes on where it was when the set changes") {
  Harness kite({}, BalanceWay::roundrobin);
  kite.follow(Harness::set_of({0, 2, 4, 6}));
  CHECK(kite.pick_number() == 0);
  CHECK(kite.pick_number() == 2);
  kite.follow(Harness::set_of({0, 2, 4, 6}));
  CHECK(kite.pick_number() == 4);
  kite.follow(Harness::set_of({0, 2, 4, 6}));
  CHECK(kite.pick_number() == 6);
  kite.follow(Harness::set_of({2, 4, 6}));
  CHECK(kite.pick_number() == 2);
  kite.follow(Harness::set_of({2, 6}));  // 4 would be next
  CHECK(kite.pick_number() == 6);
}

TEST_CASE("balancer: round robin passes over the ejected") {
  Harness kite({}, BalanceWay::roundrobin);
  kite.follow(Harness::set_of({0, 1, 2}));
  kite.eject(1);
  CHECK(kite.spread(3, 100) == Counts{50, 0, 50});
}

TEST_CASE("balancer: least connections fills the emptiest, chance decides among equals") {
  Harness kite({}, BalanceWay::leastconn);
  kite.follow(Harness::set_of({0, 1, 2}));
  kite.random.choices = {1, 1};
  CHECK(Harness::number_of(kite.open(*kite.pick()).endpoint) == 1);
  CHECK(Harness::number_of(kite.open(*kite.pick()).endpoint) == 2);
  CHECK(Harness::number_of(kite.open(*kite.pick()).endpoint) == 0);
  const auto left = kite.spread_open(3, 297);
  CHECK(left == Counts{99, 99, 99});
}

TEST_CASE("balancer: least connections counts those still being connected") {
  Harness kite({}, BalanceWay::leastconn);
  kite.follow(Harness::set_of({0, 1}));
  kite.table.begin_connection(kite.choice_of(0).id, false);
  CHECK(kite.pick_number() == 1);
}

TEST_CASE("balancer: least connections spreads evenly while nothing is open") {
  SeededHarness kite(BalanceWay::leastconn);
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  for (const size_t count : kite.spread(4, 8000)) CHECK(about(count, 2000));
}

TEST_CASE("balancer: p2c takes the less loaded of two different ones") {
  Harness kite({}, BalanceWay::p2c);
  kite.follow(Harness::set_of({0, 1, 2}));
  kite.open(kite.choice_of(0));
  kite.random.choices = {0, 0};  // 0 and, of the two others, the first
  CHECK(kite.pick_number() == 1);
  kite.random.choices = {1, 0};
  CHECK(kite.pick_number() == 1);
  kite.random.choices = {0, 1};
  CHECK(kite.pick_number() == 2);
}

TEST_CASE("balancer: p2c keeps loads closer together than chance") {
  SeededHarness by_chance(BalanceWay::random);
  SeededHarness of_two(BalanceWay::p2c);
  const auto range = [](SeededHarness& kite) {
    kite.follow(Harness::set_of(Harness::up_to(20)));
    const Counts counts = kite.spread_open(20, 2000);
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    return *most - *least;
  };
  CHECK(range(of_two) <= 8);
  CHECK(range(by_chance) > 8);
}

TEST_CASE("balancer: of two backends p2c never picks the more loaded") {
  SeededHarness kite(BalanceWay::p2c);
  kite.follow(Harness::set_of({0, 1}));
  kite.open(kite.choice_of(0));
  CHECK(kite.spread(2, 200) == Counts{0, 200});
}

TEST_CASE("balancer: a slow starter takes a tenth at first and half in the middle, in every way") {
  for (const BalanceWay way : kWays) {
    CAPTURE(static_cast<int>(way));
    SeededHarness kite(way);
    kite.follow(Harness::set_of({0, 1, 2, 3}));
    kite.follow(Harness::set_of({0, 1, 2, 3, 4}));
    const Counts early = kite.spread(5, 10000);
    // Not the same in every way: p2c draws twice, and least connections has it among all equals.
    const double tenth = 10000 * 0.1 / 4.1;
    CHECK(static_cast<double>(early[4]) > 0.6 * tenth);
    CHECK(static_cast<double>(early[4]) < 2.2 * tenth);
    kite.clock.advance(seconds(5));
    const Counts middle = kite.spread(5, 10000);
    CHECK(middle[4] > 2 * early[4]);
    CHECK(middle[4] < middle[0]);
    kite.clock.advance(seconds(5));
    CHECK(all_between(kite.spread(5, 10000), 1750, 2250));
  }
}

TEST_CASE("balancer: what a slow starter has earned in round robin survives a change of the set") {
  SeededHarness kite(BalanceWay::roundrobin);
  kite.follow(Harness::set_of({0, 1, 2, 3}));
  size_t picked = 0;
  for (int change = 0; change < 100; ++change) {  // as in a deployment: about a round each
    kite.follow(change % 2 == 0 ? Harness::set_of({0, 1, 2, 3, 4}) : Harness::set_of({0, 1, 2, 4}));
    for (int i = 0; i < 4; ++i) picked += kite.pick_number() == 4 ? 1 : 0;
  }
  CHECK(picked >= 5);  // a tenth of its turns
}

TEST_CASE("balancer: a slow starter without connections is not flooded by least connections") {
  SeededHarness kite(BalanceWay::leastconn);
  kite.follow(Harness::set_of({0, 1}));
  kite.spread_open(2, 200);
  kite.follow(Harness::set_of({0, 1, 2}));
  CHECK(kite.spread_open(3, 100)[2] <= 15);  // a tenth of what the others have, not all
}

TEST_CASE("balancer: nothing but slow starters share evenly") {
  for (const BalanceWay way : kWays) {
    CAPTURE(static_cast<int>(way));
    SeededHarness kite(way);
    kite.follow(Harness::set_of({0}));
    kite.follow(Harness::set_of({1, 2}));
    for (const size_t count : kite.spread(3, 2000)) CHECK((count == 0 || about(count, 1000)));
  }
}

TEST_CASE("balancer: the first connection after an ejection's time is the probe, in every way") {
  for (const BalanceWay way : kWays) {
    CAPTURE(static_cast<int>(way));
    SeededHarness kite(way);
    kite.follow(Harness::set_of(Harness::up_to(10)));
    kite.eject(7);
    for (int i = 0; i < 100; ++i) CHECK(kite.pick_number() != 7);
    kite.clock.advance(seconds(2));
    const auto probe = *kite.pick();
    CHECK(probe.probe);
    CHECK(probe.endpoint == Harness::endpoint(7));
  }
}

TEST_CASE("balancer: a client that met a failure is not made a probe of") {
  Harness kite;
  kite.follow(Harness::set_of({0, 1, 2}));
  kite.eject(0);
  kite.clock.advance(seconds(1));
  CHECK_FALSE(kite.pick({Harness::endpoint(1)})->probe);
}

TEST_CASE("balancer: what is ejected is used when nothing else is left, a success brings it back") {
  for (const BalanceWay way : kWays) {
    CAPTURE(static_cast<int>(way));
    Harness kite({}, way);
    kite.follow(Harness::set_of({0, 1}));
    kite.eject(0);
    const auto last = kite.pick({Harness::endpoint(1)});
    REQUIRE(last.has_value());
    CHECK(last->endpoint == Harness::endpoint(0));
    CHECK_FALSE(last->probe);
    const auto until = kite.view(0).until;
    kite.fail(*last);
    CHECK(kite.view(0).until == until);  // an emergency is no probe
    kite.open(*last);
    CHECK(kite.view(0).state == BackendState::slow_start);
  }
}

TEST_CASE("balancer: zone-aware, the own zone gets everything while it has its even part") {
  for (const BalanceWay way : kWays) {
    CAPTURE(static_cast<int>(way));
    SeededHarness kite(way);
    kite.own_zone.learn("b");
    kite.follow(Harness::set_of(Harness::up_to(6), {"a", "b", "a", "b", "a", "b"}));
    const Counts counts = kite.spread(6, 900);
    CHECK(counts[0] + counts[2] + counts[4] == 0);
    CHECK(all_between({counts[1], counts[3], counts[5]}, 200, 400));
  }
}

TEST_CASE("balancer: zone-aware, an ejection in the own zone spills a share over") {
  SeededHarness kite(BalanceWay::random);
  kite.own_zone.learn("a");
  kite.follow(Harness::set_of(Harness::up_to(8), {"a", "a", "a", "a", "b", "b", "b", "b"}));
  kite.eject(0);
  const Counts counts = kite.spread(8, 7000);
  CHECK(counts[0] == 0);
  const size_t own = std::accumulate(counts.begin(), counts.begin() + 4, size_t{0});
  CHECK(about(own, 7000.0 * 6 / 7));  // three of seven where half were even
}

TEST_CASE("balancer: zone-aware, an own zone that is out is probed all the same") {
  Harness kite;
  kite.own_zone.learn("a");
  kite.follow(Harness::set_of(Harness::up_to(7), {"a", "b", "b", "b", "b", "b", "b"}));
  kite.eject(0);
  CHECK(kite.pick_number() != 0);
  kite.clock.advance(seconds(1));
  CHECK(kite.pick_number() == 0);
}

TEST_CASE("balancer: zone-aware, other zones serve when the own was tried in vain") {
  Harness kite;
  kite.own_zone.learn("a");
  kite.follow(Harness::set_of(Harness::up_to(6), {"a", "a", "a", "b", "b", "b"}));
  const std::vector<sys::Endpoint> tried = {Harness::endpoint(0), Harness::endpoint(1),
                                            Harness::endpoint(2)};
  CHECK(kite.pick_number(tried) >= 3);
}

TEST_CASE("balancer: zone-aware, round robin keeps its place in each zone when the set changes") {
  Harness kite({}, BalanceWay::roundrobin);
  kite.own_zone.learn("a");
  std::vector<std::string> zones = {"b", "a", "b", "a", "b", "a", "b", "a"};
  kite.follow(Harness::set_of(Harness::up_to(8), zones));
  // All that is said of chance is 0: the first of the own zone begins, and it gets everything.
  CHECK(kite.pick_number() == 1);
  CHECK(kite.pick_number() == 3);
  kite.follow(Harness::set_of(Harness::up_to(8), zones));
  CHECK(kite.pick_number() == 5);
  kite.follow(Harness::set_of({0, 2, 3, 4, 5, 6, 7}, {"b", "b", "a", "b", "a", "b", "a"}));
  CHECK(kite.pick_number() == 7);
  kite.follow(Harness::set_of(Harness::up_to(8), zones));
  CHECK(kite.pick_number() == 3);  // it was next already
}

TEST_CASE("balancer: zone-aware, round robin goes on in all zones and in each by itself") {
  Harness kite({}, BalanceWay::roundrobin);
  kite.own_zone.learn("a");
  const auto set = Harness::set_of(Harness::up_to(6), {"a", "b", "a", "b", "a", "b"});
  const std::vector<sys::Endpoint> own = {Harness::endpoint(0), Harness::endpoint(2),
                                          Harness::endpoint(4)};
  kite.follow(set);
  CHECK(kite.pick_number(own) == 1);
  CHECK(kite.pick_number() == 0);
  kite.follow(Harness::set_of(Harness::up_to(6), {"a", "b", "a", "b", "a", "b"}));
  CHECK(kite.pick_number(own) == 3);
  CHECK(kite.pick_number() == 2);
}

TEST_CASE("balancer: zones count from when the own is known, in the same set") {
  SeededHarness kite(BalanceWay::random);
  const auto set = Harness::set_of(Harness::up_to(6), {"a", "a", "a", "b", "b", "b"});
  kite.follow(set);
  CHECK(all_between(kite.spread(6, 600), 50, 150));
  kite.own_zone.learn("a");
  kite.follow(set);
  const Counts counts = kite.spread(6, 600);
  CHECK(counts[3] + counts[4] + counts[5] == 0);
}

TEST_CASE("balancer: with few backends zones do not count") {
  SeededHarness kite(BalanceWay::random);
  kite.own_zone.learn("a");
  kite.follow(Harness::set_of(Harness::up_to(5), {"a", "a", "a", "b", "b"}));
  CHECK(all_between(kite.spread(5, 1000), 120, 280));
}

}  // namespace kite::proxy
