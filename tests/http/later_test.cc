#include <doctest/doctest.h>

#include <memory>

#include "http/curl_client.h"
#include "tests/support/loop_harness.h"

namespace kite::http {

TEST_CASE("later: runs once, in a later turn, and not after its ticket died") {
  testing::LoopHarness loop;
  CurlClient client(loop.reactor, {});
  int runs = 0;
  const auto kept = client.later([&] { ++runs; });
  auto dropped = client.later([&] { runs += 100; });
  CHECK(runs == 0);
  dropped.reset();
  loop.settle();
  CHECK(runs == 1);
}

TEST_CASE("later: the action may destroy its own ticket") {
  testing::LoopHarness loop;
  CurlClient client(loop.reactor, {});
  bool ran = false;
  std::unique_ptr<Ticket> ticket;
  ticket = client.later([&] {
    ticket.reset();
    ran = true;
  });
  CHECK(loop.run_until([&] { return ran; }));
}

}  // namespace kite::http
