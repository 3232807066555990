#include "cli/wait_pace.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/scripted_random.h"

namespace kite::cli {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("wait pace: rests grow from half a second to the low end of -poll, all jittered") {
  testing::ScriptedRandom least;
  WaitPace pace(seconds(5), least);
  std::vector<sys::Duration> rests;
  for (int i = 0; i < 6; ++i) rests.push_back(pace.next({}));
  CHECK(rests == std::vector<sys::Duration>{milliseconds(450), milliseconds(900),
                                            milliseconds(1800), milliseconds(3600),
                                            milliseconds(4500), milliseconds(4500)});
  least.jitters = {seconds(1)};
  CHECK(pace.next({}) == milliseconds(5500));
  sys::SeededRandom random(7);
  WaitPace jittered(seconds(5), random);
  const sys::Duration first = jittered.first();
  CHECK(first < milliseconds(500));
  CHECK(first != WaitPace(seconds(5), random).first());
}

TEST_CASE("wait pace: throttled, it rests as long as a kite that serves, and comes back slowly") {
  testing::ScriptedRandom random;
  WaitPace pace(seconds(5), random);
  discovery::CycleResult throttled;
  throttled.throttled = true;
  throttled.calls = 1;
  CHECK(pace.next(throttled) == seconds(9));
  CHECK(pace.next(throttled) == seconds(18));
  CHECK(pace.next({}) > seconds(10));
  for (int i = 0; i < 10; ++i) pace.next(throttled);
  CHECK(pace.next(throttled) == seconds(54));
}

}  // namespace kite::cli
