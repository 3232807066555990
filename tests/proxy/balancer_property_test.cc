// Random histories of a set and its connections, from seeds: what must hold after every step.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/support/backends_harness.h"

namespace kite::proxy {

namespace {

using Harness = testing::BackendsHarness<sys::SeededRandom>;
using Choice = Balancer::Choice;

/// One kite, driven by chance.
class History {
 public:
  explicit History(uint64_t seed)
      : chance_(seed),
        kite_({.eject_after = 1 + chance_.below(3), .eject_on_reset = chance_.below(2) == 0},
              static_cast<BalanceWay>(chance_.below(4)), sys::SeededRandom(seed + 1)) {
    if (chance_.below(2) == 0) kite_.own_zone.learn("a");
    change_set();
  }

  void step() {
    switch (chance_.below(12)) {
      case 0:
        return change_set();
      case 1:
        return kite_.clock.advance(std::chrono::milliseconds(chance_.below(3000)));
      case 2:
      case 3:
        return end_one();
      default:
        return serve_client();
    }
  }

  void check() {
    size_t listed = 0;
    size_t out = 0;
    size_t connections = 0;
    for (const BackendView& view : kite_.views()) {
      connections += view.connections;
      if (view.state == BackendState::leaving) {
        CHECK(view.connections > 0);
        continue;
      }
      ++listed;
      out += view.state == BackendState::ejected || view.state == BackendState::probing;
    }
    CHECK(listed == listed_);
    CHECK(2 * out <= listed);
    CHECK(connections == open_.size());
  }

  void finish() {
    while (!open_.empty()) end_one();
    kite_.follow(std::make_shared<const snapshot::Snapshot>());
    CHECK(kite_.table.size() == 0);
    CHECK(kite_.table.task_count() == 0);
  }

 private:
  void change_set() {
    std::vector<size_t> numbers;
    std::vector<std::string> zones;
    for (size_t i = 0; i < 16; ++i) {
      if (chance_.below(3) == 0) continue;
      numbers.push_back(i);
      zones.emplace_back(1, static_cast<char>('a' + i % 3));
    }
    listed_ = numbers.size();
    kite_.follow(Harness::set_of(numbers, zones));
  }

  /// Half of the backends refuse for good, the others now and then.
  bool refuses(const sys::Endpoint& endpoint) {
    return chance_.below(Harness::number_of(endpoint) % 2 == 0 ? 2 : 10) == 0;
  }

  void serve_client() {
    std::vector<sys::Endpoint> tried;
    while (const auto choice = kite_.pick(tried)) {  // ends: each round adds to tried
      CHECK(std::find(tried.begin(), tried.end(), choice->endpoint) == tried.end());
      kite_.table.begin_connection(choice->id, choice->probe);
      if (!refuses(choice->endpoint)) {
        kite_.table.note_connected(choice->id, kite_.now());
        open_.push_back(*choice);
        return;
      }
      kite_.table.note_connect_failed(choice->id, {.probe = choice->probe}, kite_.now());
      kite_.table.end_connection(choice->id);
      tried.push_back(choice->endpoint);
    }
    CHECK(tried.size() == listed_);  // each was given its chance
  }

  void end_one() {
    if (open_.empty()) return;
    std::swap(open_[chance_.below(static_cast<uint32_t>(open_.size()))], open_.back());
    const BackendId id = open_.back().id;
    open_.pop_back();
    kite_.table.note_tunnel_end(
        id,
        {.backend_to_client_bytes = chance_.below(2), .reset_by_backend = chance_.below(3) == 0},
        kite_.now());
    kite_.table.end_connection(id);
  }

  sys::SeededRandom chance_;
  Harness kite_;
  std::vector<Choice> open_;
  size_t listed_ = 0;
};

}  // namespace

TEST_CASE(
    "balancer property: half serve, the tried are left, loads add up, nothing stays (seeds)") {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    History history(seed);
    for (int step = 0; step < 300; ++step) {
      history.step();
      history.check();
    }
    history.finish();
  }
}

TEST_CASE("balancer property: every way gives healthy equals equal shares (seeds)") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    sys::SeededRandom chance(seed);
    const size_t backends = 2 + chance.below(15);
    Harness kite({}, static_cast<BalanceWay>(seed % 4), sys::SeededRandom(seed));
    kite.follow(Harness::set_of(Harness::up_to(backends)));
    const size_t ejected = backends >= 4 ? backends / 2 : 0;
    for (size_t i = 0; i < ejected; ++i) kite.eject(i);
    const auto counts = kite.spread(backends, 400 * backends);
    const double expected =
        400.0 * static_cast<double>(backends) / static_cast<double>(backends - ejected);
    for (size_t i = 0; i < backends; ++i) {
      if (i < ejected) {
        CHECK(counts[i] == 0);
      } else {
        CHECK(static_cast<double>(counts[i]) == doctest::Approx(expected).epsilon(0.3));
      }
    }
  }
}

}  // namespace kite::proxy
