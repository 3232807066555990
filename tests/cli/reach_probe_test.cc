#include "cli/reach_probe.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "tests/support/black_hole.h"
#include "tests/support/loop_harness.h"

namespace kite::cli {

using std::chrono::milliseconds;
using testing::BlackHole;
using testing::LoopHarness;
using testing::PeerListener;

TEST_CASE("reach probe: who answers is known while another is still waited for") {
  LoopHarness loop;
  BlackHole hole;
  PeerListener good;
  PeerListener closed;
  const sys::Endpoint dead = closed.endpoint();
  closed.close();
  ReachProbe probe(loop.reactor, {hole.endpoint(), good.endpoint(), dead}, milliseconds(1000));
  CHECK_FALSE(probe.reached_any());
  CHECK(probe.errors() == std::vector{EINPROGRESS, EINPROGRESS, EINPROGRESS});
  CHECK(loop.run_until([&] { return probe.errors()[2] != EINPROGRESS && probe.reached_any(); }));
  CHECK(probe.errors() == std::vector{EINPROGRESS, 0, ECONNREFUSED});
  CHECK_FALSE(probe.done());
  loop.clock.advance(milliseconds(1000));
  CHECK(loop.run_until([&] { return probe.done(); }));
  CHECK(probe.errors().front() == ETIMEDOUT);
  loop.settle();
}

TEST_CASE("reach probe: with nothing to reach it is done at once, and has reached nothing") {
  LoopHarness loop;
  const ReachProbe probe(loop.reactor, {}, milliseconds(1000));
  CHECK(probe.done());
  CHECK_FALSE(probe.reached_any());
}

}  // namespace kite::cli
