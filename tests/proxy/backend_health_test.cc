#include "proxy/backend_health.h"

#include <doctest/doctest.h>

#include "tests/support/scripted_random.h"

namespace kite::proxy {

using std::chrono::milliseconds;
using std::chrono::seconds;
using State = BackendHealth::State;

namespace {

constexpr sys::SteadyTime kStart{std::chrono::hours(1)};

/// Ejects, and lets the probe fail, as often as asked; the last ejection's time.
sys::Duration eject_times(BackendHealth& health, int count, sys::Random& random) {
  sys::Duration time = health.eject(kStart, random);
  for (int i = 1; i < count; ++i) {
    health.begin_probe();
    time = health.eject(kStart, random);
  }
  return time;
}

}  // namespace

TEST_CASE("backend health: states change only as the table says") {
  for (const State from : {State::serving, State::ejected, State::probing}) {
    CHECK_FALSE(BackendHealth::may_become(from, from));
  }
  CHECK(BackendHealth::may_become(State::serving, State::ejected));
  CHECK_FALSE(BackendHealth::may_become(State::serving, State::probing));
  CHECK(BackendHealth::may_become(State::ejected, State::probing));
  CHECK(BackendHealth::may_become(State::ejected, State::serving));
  CHECK(BackendHealth::may_become(State::probing, State::serving));
  CHECK(BackendHealth::may_become(State::probing, State::ejected));
}

TEST_CASE("backend health: the time out doubles from 1 s to 40 s, and jitter adds up to a half") {
  for (const auto& [ejections, least_s] :
       {std::pair{1, 1}, {2, 2}, {3, 4}, {4, 8}, {5, 16}, {6, 32}, {7, 40}, {200, 40}}) {
    testing::ScriptedRandom random;
    BackendHealth plain;
    CHECK(eject_times(plain, ejections, random) == seconds(least_s));
    random.jitters.assign(static_cast<size_t>(ejections), seconds(1000));  // cut to the most
    BackendHealth unlucky;
    CHECK(eject_times(unlucky, ejections, random) == milliseconds(1500 * least_s));
  }
}

TEST_CASE("backend health: it is due when its time is over, and only one probe is made") {
  testing::ScriptedRandom random;
  BackendHealth health;
  health.eject(kStart, random);
  CHECK(health.out());
  CHECK_FALSE(health.due(kStart + milliseconds(999)));
  CHECK(health.due(kStart + seconds(1)));
  health.begin_probe();
  CHECK(health.out());
  CHECK_FALSE(health.due(kStart + seconds(100)));
  CHECK_FALSE(health.passed(kStart + seconds(100)));
  health.abandon_probe();
  CHECK(health.due(kStart + seconds(1)));
}

TEST_CASE("backend health: a success ends an ejection and the row of failures") {
  testing::ScriptedRandom random;
  BackendHealth health;
  health.note_failure(kStart, kStart);
  health.note_failure(kStart, kStart);
  CHECK(health.failures_in_row() == 2);
  CHECK_FALSE(health.note_success(kStart));
  CHECK(health.failures_in_row() == 0);
  health.note_failure(kStart, kStart);
  health.eject(kStart, random);
  CHECK(health.note_success(kStart));
  CHECK_FALSE(health.out());
  CHECK(health.failures_in_row() == 0);
}

TEST_CASE("backend health: who fails again soon stays out longer, who served a minute does not") {
  testing::ScriptedRandom random;
  BackendHealth health;
  health.eject(kStart, random);
  health.begin_probe();
  health.note_success(kStart + seconds(1));
  CHECK(health.eject(kStart + seconds(60), random) == seconds(2));
  health.begin_probe();
  health.note_success(kStart + seconds(62));
  CHECK(health.eject(kStart + seconds(122), random) == seconds(1));
}

TEST_CASE("backend health: a watched probe passes when it was kept for a second") {
  testing::ScriptedRandom random;
  BackendHealth health;
  health.eject(kStart, random);
  health.begin_probe();
  CHECK(health.note_connected(kStart));
  CHECK_FALSE(health.note_connected(kStart + milliseconds(500)));  // the watch goes on
  CHECK_FALSE(health.passed(kStart + milliseconds(999)));
  CHECK(health.passed(kStart + seconds(1)));
}

}  // namespace kite::proxy
