#include "admin/status_page.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <array>

#include "admin/status_assets.h"
#include "admin/status_target.h"
#include "tests/support/admin_view.h"

namespace kite::admin {

namespace {

std::string sha256_source(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::array<unsigned char, 48> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return "'sha256-" + std::string(reinterpret_cast<const char*>(base64.data())) + "'";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("status page: the policy names the style and the script that the page has") {
  CHECK_MESSAGE(contains(kStatusPolicy, "style-src " + sha256_source(kStatusStyle)),
                sha256_source(kStatusStyle));
  CHECK_MESSAGE(contains(kStatusPolicy, "script-src " + sha256_source(kStatusScript)),
                sha256_source(kStatusScript));
  const std::string page = status_page(testing::busy_view(), History());
  CHECK(contains(page, "<style>" + std::string(kStatusStyle) + "</style>"));
  CHECK(contains(page, "<script>" + std::string(kStatusScript) + "</script>"));
  CHECK_FALSE(contains(page, " style="));  // the policy would not let it count
  CHECK_FALSE(contains(page, " onclick="));
}

TEST_CASE("status page: under 20 kB with twenty backends and their charts") {
  View view = testing::busy_view(20);
  History history;
  for (int step = 0; step < 31; ++step) {
    for (auto& backend : view.targets[0].backends) backend.counters.connections_total += 17;
    history.add(view);
  }
  const std::string page = status_page(view, history);
  CHECK(page.size() < 20'000);
  MESSAGE("bytes: ", page.size());
}

TEST_CASE("status page: states, times and counts are told") {
  const std::string page = status_page(testing::busy_view(5), History());
  for (const char* said : {"ready: 5 backends",
                           "service/orders/app",
                           "prod",
                           "4.0 s ago",
                           "in 9.0 s",
                           "12,345 accepted",
                           ">serving<",
                           ">healthy<",
                           ">unknown<",
                           "slow start, 17 s",
                           "ejected, 17 s",
                           ">probing<",
                           ">leaving<",
                           "10.0.0.1:32768",
                           "eu-west-1a",
                           "9.9 GB",
                           "3.5 MB",
                           "3 pipes in use, 5 idle",
                           "2 not_running",
                           "1.2.3",
                           "up 3 h 5 min",
                           "title=\"00000000000000000000000000000000\">00000000<"}) {
    CAPTURE(said);
    CHECK(contains(page, said));
  }
}

TEST_CASE("status page: whatever AWS says is text") {
  const std::string hostile = "</style><script>alert(1)</script><img src=x onerror='a()'>\"&\xFF";
  View view = testing::busy_view(1, hostile);
  view.targets[0].name = hostile;
  view.targets[0].cluster = hostile;
  view.targets[0].backends[0].task = hostile;
  view.targets[0].discovery.excluded[0] = {hostile, 1};
  view.region = hostile;
  view.credentials.source = hostile;
  const std::string page = status_page(view, History());
  CHECK_FALSE(contains(page, "<script>alert"));
  CHECK_FALSE(contains(page, "<img"));
  CHECK_FALSE(contains(page, "onerror='"));
  CHECK_FALSE(contains(page, "\xFF"));
  CHECK(contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST_CASE("status page: more backends than rows are counted") {
  const std::string page = status_page(testing::busy_view(kBackendRowsMax + 7), History());
  CHECK(contains(page, ">7 more: see <a href=/backends>"));
  CHECK_FALSE(contains(status_page(testing::busy_view(3), History()), " more: see"));
}

TEST_CASE("status page: a kite that knows nothing says so") {
  View view = testing::busy_view(0);
  view.targets[0].snapshot = nullptr;
  CHECK(contains(status_page(view, History()), "AWS has not told yet"));
  CHECK(contains(status_page(testing::busy_view(0), History()), "No task can serve."));
}

TEST_CASE("status page: backends that another target lists are not told to be none") {
  View view = testing::busy_view(3);
  TargetView second = view.targets[0];
  second.name = "service/orders/app#2";
  second.backends.clear();
  second.backends_total = 0;
  view.targets.push_back(second);
  const std::string page = status_page(view, History());
  CHECK_FALSE(contains(page, "No task can serve."));
  CHECK(contains(page, "3 backends, shown under the target that listed them first."));
}

TEST_CASE("status page: all backends that are given connections count, not those shown alone") {
  View view = testing::busy_view(3);
  view.targets[0].backends_total = 5000;
  view.targets[0].backends_given = 4321;
  CHECK(contains(status_page(view, History()), ">4,321 get connections<"));
}

TEST_CASE("status page: credentials that are not there yet are not called everlasting") {
  View view = testing::busy_view();
  CHECK(contains(status_page(view, History()), ">for another 5 h"));
  view.credentials.expiry = view.wall_now - std::chrono::minutes(7);
  CHECK(contains(status_page(view, History()), ">expired 7 min ago<"));
  view.credentials.expiry.reset();
  CHECK(contains(status_page(view, History()), ">keys that do not expire<"));
  view.credentials.at_hand = false;
  CHECK(contains(status_page(view, History()), ">none yet<"));
  view.credentials.failures_total = 1;
  CHECK(contains(status_page(view, History()), ">none: see the log<"));
}

TEST_CASE("status page: tasks lead to the console of their partition") {
  CHECK(console_link("eu-west-1", "prod", "abc") ==
        "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/tasks/abc");
  CHECK(console_link("eu-west-1", "arn:aws:ecs:eu-west-1:1:cluster/prod", "a/\"<") ==
        "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/tasks/a%2F%22%3C");
  CHECK(
      console_link("cn-north-1", "c", "t").starts_with("https://cn-north-1.console.amazonaws.cn/"));
  CHECK(console_link("us-iso-east-1", "c", "t").empty());
  CHECK(console_link("", "c", "t").empty());
}

}  // namespace kite::admin
