#include "admin/health.h"

#include <doctest/doctest.h>

#include "tests/support/admin_view.h"

namespace kite::admin {

TEST_CASE("health: ready with a backend for every target") {
  View view = testing::busy_view(2);
  CHECK(judge_readiness(view).ready);
  CHECK(judge_readiness(view).reason == "ready: 2 backends");
  view.targets.push_back(testing::busy_view(1).targets[0]);
  CHECK(judge_readiness(view).reason == "ready: 3 backends");
}

TEST_CASE("health: not ready for a reason that names the target") {
  View view = testing::busy_view(2);
  view.targets.push_back(testing::busy_view(0).targets[0]);
  view.targets[1].name = "family/web/nginx";
  CHECK_FALSE(judge_readiness(view).ready);
  CHECK(judge_readiness(view).reason ==
        "family/web/nginx: no backend, AWS knows no task that can serve");
  view.targets[1].snapshot = nullptr;
  CHECK(judge_readiness(view).reason == "family/web/nginx: no snapshot, AWS has not answered yet");
  view.targets[1].discovery.cycles_failed = 1;
  CHECK(judge_readiness(view).reason ==
        "family/web/nginx: no snapshot, AWS has not answered in full yet; see the log");
}

TEST_CASE("health: a kite that was told to end is not ready, whatever it has") {
  View view = testing::busy_view(2);
  view.draining = true;
  CHECK_FALSE(judge_readiness(view).ready);
  CHECK(judge_readiness(view).reason.starts_with("draining"));
}

}  // namespace kite::admin
