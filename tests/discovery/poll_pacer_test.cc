#include "discovery/poll_pacer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/support/scripted_random.h"

namespace kite::discovery {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr PollPacer::Range kRange{seconds(5), seconds(20)};

sys::Duration base(const PollPacer& pacer) {
  return pacer.interval();
}

/// The shortest and the longest of a thousand delays.
template <typename Draw>
std::pair<sys::Duration, sys::Duration> extremes(Draw draw) {
  sys::Duration least = sys::Duration::max();
  sys::Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const sys::Duration delay = draw();
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  return {least, most};
}

}  // namespace

TEST_CASE("pacer: the first poll comes within half a second") {
  sys::SeededRandom random(1);
  PollPacer pacer(kRange, random);
  const auto [least, most] = extremes([&] { return pacer.first_delay(); });
  CHECK(most < milliseconds(500));
  CHECK(most > milliseconds(450));
  CHECK(least < milliseconds(50));
}

TEST_CASE("pacer: calm moves the interval to its high end, a change back to its low end") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) == seconds(5));
  sys::Duration before = base(pacer);
  for (const int ms : {20000, 20000}) {
    pacer.next_delay(PollOutcome::calm);
    CHECK(base(pacer) == milliseconds(ms));
    CHECK(base(pacer) >= before);
    before = base(pacer);
  }
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) == seconds(5));
}

TEST_CASE("pacer: a hint makes the next intervals short") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 5; ++i) pacer.next_delay(PollOutcome::calm);
  pacer.note_hint();
  CHECK(base(pacer) == seconds(5));
}

namespace {

/// One poll that hints brought forward.
void hinted_poll(PollPacer& pacer, PollOutcome outcome) {
  pacer.note_hint();
  pacer.note_start();
  pacer.next_delay(outcome);
}

}  // namespace

TEST_CASE("pacer: the gap between early polls doubles to the low end while they bring no change") {
  for (const PollOutcome outcome : {PollOutcome::calm, PollOutcome::failed, PollOutcome::starting,
                                    PollOutcome::throttled, PollOutcome::refused}) {
    testing::ScriptedRandom random;
    PollPacer pacer(kRange, random);
    CHECK(pacer.early_gap() == seconds(1));
    for (const int s : {2, 4, 5, 5}) {
      hinted_poll(pacer, outcome);
      CHECK(pacer.early_gap() == seconds(s));
    }
    hinted_poll(pacer, PollOutcome::changed);
    CHECK(pacer.early_gap() == seconds(1));
  }
}

TEST_CASE("pacer: the gap between early polls stays a second when the low end is not above it") {
  for (const sys::Duration low : {milliseconds(200), milliseconds(1000)}) {
    testing::ScriptedRandom random;
    PollPacer pacer({low, seconds(20)}, random);
    for (int i = 0; i < 3; ++i) hinted_poll(pacer, PollOutcome::calm);
    CHECK(pacer.early_gap() == seconds(1));
  }
}

TEST_CASE("pacer: a poll nobody hinted at never widens the gap, and a calm one ends it") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  const auto plain_poll = [&pacer](PollOutcome outcome) {
    pacer.note_start();
    pacer.next_delay(outcome);
  };
  plain_poll(PollOutcome::failed);
  CHECK(pacer.early_gap() == seconds(1));
  hinted_poll(pacer, PollOutcome::calm);
  plain_poll(PollOutcome::failed);  // nothing learned
  CHECK(pacer.early_gap() == seconds(2));
  plain_poll(PollOutcome::calm);
  CHECK(pacer.early_gap() == seconds(1));
}

TEST_CASE("pacer: a hint during a poll counts for the next one") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  pacer.note_start();
  pacer.note_hint();
  pacer.next_delay(PollOutcome::calm);
  CHECK(pacer.early_gap() == seconds(1));
  pacer.note_start();
  pacer.next_delay(PollOutcome::calm);
  CHECK(pacer.early_gap() == seconds(2));
}

TEST_CASE("pacer: failures stretch within the range, unless there is nothing to serve from") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  pacer.next_delay(PollOutcome::failed);
  CHECK(base(pacer) == seconds(10));
  for (int i = 0; i < 5; ++i) pacer.next_delay(PollOutcome::failed);
  CHECK(base(pacer) == seconds(20));
  CHECK_FALSE(pacer.throttled());
  pacer.next_delay(PollOutcome::starting);
  CHECK(base(pacer) == seconds(5));
}

TEST_CASE("pacer: delays keep within a tenth of the interval and use all of it") {
  sys::SeededRandom random(2);
  PollPacer pacer({seconds(10), seconds(10)}, random);
  const auto [least, most] = extremes([&] { return pacer.next_delay(PollOutcome::calm); });
  CHECK(least >= seconds(9));
  CHECK(least < milliseconds(9100));
  CHECK(most < seconds(11));
  CHECK(most > milliseconds(10900));
}

TEST_CASE("pacer: throttling doubles up to a minute and is forgotten slowly, then faster") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  pacer.next_delay(PollOutcome::changed);
  for (const int s : {10, 20, 40, 60, 60}) {
    pacer.next_delay(PollOutcome::throttled);
    CHECK(base(pacer) == seconds(s));
    CHECK(pacer.throttled());
  }
  int polls = 0;
  std::vector<double> given_back;
  while (pacer.throttled()) {
    const sys::Duration before = base(pacer);
    pacer.next_delay(PollOutcome::calm);
    given_back.push_back(1 - static_cast<double>(base(pacer).count()) /
                                 static_cast<double>(before.count()));
    REQUIRE(++polls < 200);
  }
  CHECK(polls >= 50);
  CHECK(given_back.front() < 0.002);
  CHECK(given_back.back() > 8 * given_back.front());
  CHECK(base(pacer) <= seconds(20));
}

TEST_CASE("pacer: one throttled poll is forgotten within thirty answers") {
  testing::ScriptedRandom random;
  PollPacer pacer({seconds(20), seconds(20)}, random);
  pacer.next_delay(PollOutcome::calm);
  pacer.next_delay(PollOutcome::throttled);
  CHECK(base(pacer) == seconds(40));
  int polls = 0;
  while (pacer.throttled()) {
    pacer.next_delay(PollOutcome::calm);
    REQUIRE(++polls < 100);
  }
  CHECK(polls < 30);
}

TEST_CASE("pacer: only an answer brings the interval back, not a failure") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  for (int i = 0; i < 100; ++i) pacer.next_delay(PollOutcome::failed);
  CHECK(base(pacer) == seconds(60));
}

TEST_CASE("pacer: while throttled neither a change nor a hint brings calls forward") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  pacer.note_hint();
  CHECK(base(pacer) == seconds(60));
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) > seconds(59));
}

TEST_CASE("pacer: throttled delays spread around a little more than the interval") {
  sys::SeededRandom random(3);
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  const auto [least, most] = extremes([&] { return pacer.next_delay(PollOutcome::throttled); });
  CHECK(least >= seconds(54));
  CHECK(least < milliseconds(54500));
  CHECK(most < seconds(72));
  CHECK(most > milliseconds(71500));
}

TEST_CASE("pacer: refusals at the longest interval are followed by a third of it, five times") {
  sys::SeededRandom random(4);
  PollPacer pacer(kRange, random);
  for (const int s : {10, 20, 40}) {  // while it doubles, the interval is waited for in full
    const sys::Duration delay = pacer.next_delay(PollOutcome::refused);
    CHECK(delay >= seconds(s) * 9 / 10);
  }
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) {
      const sys::Duration delay = pacer.next_delay(PollOutcome::refused, 2);
      CHECK(delay >= seconds(18));
      CHECK(delay < seconds(24));
    }
    CHECK(pacer.next_delay(PollOutcome::refused) >= seconds(54));  // nobody has made room
    CHECK(pacer.next_delay(PollOutcome::throttled) >= seconds(54));
  }
}

TEST_CASE("pacer: refused after an outage, a kite waits the longest interval in full") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  for (int i = 0; i < 3; ++i) pacer.next_delay(PollOutcome::failed);
  CHECK(pacer.next_delay(PollOutcome::refused) == seconds(54));
  CHECK(pacer.next_delay(PollOutcome::refused) == seconds(54));
  pacer.next_delay(PollOutcome::calm);
  CHECK(pacer.next_delay(PollOutcome::refused) < seconds(26));
}

TEST_CASE("pacer: a throttled poll of several calls is followed by half an interval more") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  CHECK(pacer.next_delay(PollOutcome::throttled, 1) == seconds(54));
  CHECK(pacer.next_delay(PollOutcome::throttled, 2) == seconds(81));
  CHECK(pacer.next_delay(PollOutcome::throttled, 9) == seconds(81));
}

TEST_CASE("pacer: after a change kites come back apart, up to three times the low end") {
  sys::SeededRandom random(6);
  PollPacer pacer(kRange, random);
  const auto [least, most] = extremes([&] { return pacer.next_delay(PollOutcome::changed); });
  CHECK(least >= milliseconds(4500));
  CHECK(least < seconds(5));
  CHECK(most < seconds(15));
  CHECK(most > seconds(14));
  PollPacer quick({seconds(1), seconds(1)}, random);
  for (int i = 0; i < 100; ++i) CHECK(quick.next_delay(PollOutcome::changed) < milliseconds(1100));
}

TEST_CASE("pacer: a start that a retry brought through is followed by a minute, not by three") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  CHECK(pacer.next_delay(PollOutcome::throttled) == seconds(54));
  int polls = 0;
  while (pacer.throttled()) {
    pacer.next_delay(PollOutcome::calm);
    REQUIRE(++polls < 40);
  }
}

TEST_CASE("pacer: who is refused again in a crowded start comes back within what is left of it") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    sys::SeededRandom random(seed);
    PollPacer pacer(kRange, random);
    sys::Duration waited{};
    while (waited < PollPacer::kStartSpread) {
      waited += pacer.next_delay(PollOutcome::crowded_start);
    }
    CHECK(waited <= PollPacer::kStartSpread + seconds(25));
    const sys::Duration second = pacer.next_delay(PollOutcome::changed, 3);
    CHECK(second >= PollPacer::kStartSpread * 9 / 10);
    CHECK(second <= PollPacer::kStartSpread * 12 / 10);
  }
}

TEST_CASE("pacer: after an outage a change does not make kites poll fast all at once") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 3; ++i) pacer.next_delay(PollOutcome::failed);
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) == seconds(20));
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) == seconds(5));
  pacer.next_delay(PollOutcome::failed);  // one failure is no outage
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) == seconds(5));
}

TEST_CASE("pacer: rounds come a little before their time, and not all alike") {
  sys::SeededRandom random(5);
  PollPacer pacer(kRange, random);
  const auto [least, most] = extremes([&] { return pacer.round_delay(seconds(30)); });
  CHECK(least >= milliseconds(27600));
  CHECK(most < milliseconds(29100));
  CHECK(most - least > seconds(1));
}

TEST_CASE("pacer: a range above a minute is never shortened by throttling") {
  testing::ScriptedRandom random;
  PollPacer pacer({seconds(90), seconds(120)}, random);
  pacer.next_delay(PollOutcome::throttled);
  CHECK(base(pacer) == seconds(120));
  CHECK(pacer.next_delay(PollOutcome::refused) >= seconds(90) * 9 / 10);
}

}  // namespace kite::discovery
