#include "discovery/poll_pacer.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/scripted_random.h"

namespace kite::discovery {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr PollPacer::Range kRange{seconds(5), seconds(20)};

sys::Duration base(const PollPacer& pacer) {
  return pacer.interval();
}

}  // namespace

TEST_CASE("pacer: the first poll comes within half a second") {
  sys::SeededRandom random(1);
  PollPacer pacer(kRange, random);
  sys::Duration least = seconds(1);
  sys::Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const sys::Duration delay = pacer.first_delay();
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
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
  for (const int ms : {7500, 11250, 16875, 20000, 20000}) {
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
  for (const PollOutcome outcome :
       {PollOutcome::calm, PollOutcome::failed, PollOutcome::starting, PollOutcome::throttled}) {
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
  sys::Duration least = seconds(100);
  sys::Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const sys::Duration delay = pacer.next_delay(PollOutcome::calm);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  CHECK(least >= seconds(9));
  CHECK(least < milliseconds(9100));
  CHECK(most < seconds(11));
  CHECK(most > milliseconds(10900));
}

TEST_CASE("pacer: throttling doubles up to a minute and is forgotten slowly") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (const int s : {10, 20, 40, 60, 60}) {
    pacer.next_delay(PollOutcome::throttled);
    CHECK(base(pacer) == seconds(s));
    CHECK(pacer.throttled());
  }
  int polls = 0;
  sys::Duration before = base(pacer);
  while (pacer.throttled()) {
    pacer.next_delay(PollOutcome::calm);
    CHECK(base(pacer) < before);
    before = base(pacer);
    REQUIRE(++polls < 20);
  }
  CHECK(polls >= 3);  // not at the first success
  CHECK(base(pacer) <= seconds(20));
}

TEST_CASE("pacer: while throttled neither a change nor a hint brings calls forward") {
  testing::ScriptedRandom random;
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  pacer.note_hint();
  CHECK(base(pacer) == seconds(60));
  pacer.next_delay(PollOutcome::changed);
  CHECK(base(pacer) == seconds(45));
}

TEST_CASE("pacer: throttled delays spread over everything above the low end") {
  sys::SeededRandom random(3);
  PollPacer pacer(kRange, random);
  for (int i = 0; i < 4; ++i) pacer.next_delay(PollOutcome::throttled);
  sys::Duration least = seconds(100);
  sys::Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const sys::Duration delay = pacer.next_delay(PollOutcome::throttled);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  CHECK(least >= seconds(5));
  CHECK(least < seconds(6));
  CHECK(most < seconds(60));
  CHECK(most > seconds(58));
}

TEST_CASE("pacer: no calm poll is followed by a longer delay than foretold") {
  sys::SeededRandom random(5);
  PollPacer pacer(kRange, random);
  sys::Duration tightest = seconds(100);
  for (int i = 0; i < 1000; ++i) {
    if (i % 7 == 0) pacer.note_hint();
    const sys::Duration foretold = pacer.longest_calm_delay();
    const sys::Duration delay = pacer.next_delay(PollOutcome::calm);
    REQUIRE(delay <= foretold);
    tightest = std::min(tightest, foretold - delay);
  }
  CHECK(tightest < milliseconds(100));
}

TEST_CASE("pacer: a range above a minute is never shortened by throttling") {
  testing::ScriptedRandom random;
  PollPacer pacer({seconds(90), seconds(120)}, random);
  pacer.next_delay(PollOutcome::throttled);
  CHECK(base(pacer) == seconds(120));
}

}  // namespace kite::discovery
