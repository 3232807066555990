#include "admin/backends_page.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/admin_view.h"

namespace kite::admin {

namespace {

nlohmann::json page_of(const View& view) {
  return nlohmann::json::parse(backends_page(view), nullptr, false);
}

}  // namespace

TEST_CASE("backends page: one object, every target with its ports and backends") {
  const nlohmann::json page = page_of(testing::busy_view(3));
  REQUIRE(page.is_object());
  CHECK(page["version"] == "1.2.3");
  CHECK(page["ready"] == true);
  CHECK(page["reason"] == "ready: 3 backends");
  CHECK(page["connections"] == 57);
  REQUIRE(page["targets"].size() == 1);
  const nlohmann::json& target = page["targets"][0];
  CHECK(target["name"] == "service/orders/app");
  CHECK(target["known"] == true);
  CHECK(target["snapshot_age_seconds"] == 4);
  CHECK(target["next_poll_in_seconds"] == 9);
  CHECK(target["ports"][0]["listen_port"] == 80);
  CHECK(target["ports"][0]["accepted_total"] == 12345);
  CHECK(target["backends_total"] == 3);
  REQUIRE(target["backends"].size() == 3);
  CHECK(target["backends"][0]["address"] == "10.0.0.1:32768");
  CHECK(target["backends"][0]["state"] == "serving");
  CHECK(target["backends"][0]["health"] == "HEALTHY");
  CHECK(target["backends"][0]["state_ends_in_seconds"].is_null());
  CHECK(target["backends"][2]["state"] == "ejected");
  CHECK(target["backends"][2]["state_ends_in_seconds"] == 17);
}

TEST_CASE("backends page: what is not known is null, and what AWS says stays text") {
  View view = testing::busy_view(1, "\"},{\"zone\":\"\xFF\n");
  view.targets[0].snapshot = nullptr;
  view.targets[0].discovery.last_complete.reset();
  view.targets[0].discovery.next_poll.reset();
  view.targets[0].backends[0].health.clear();
  const nlohmann::json page = page_of(view);
  REQUIRE(page.is_object());
  const nlohmann::json& target = page["targets"][0];
  CHECK(target["known"] == false);
  CHECK(target["snapshot_age_seconds"].is_null());
  CHECK(target["next_poll_in_seconds"].is_null());
  CHECK(target["backends"][0]["health"].is_null());
  CHECK(target["backends"][0]["zone"] == "\"},{\"zone\":\"\xEF\xBF\xBD\n");
}

}  // namespace kite::admin
