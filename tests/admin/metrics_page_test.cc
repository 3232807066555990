#include "admin/metrics_page.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>

#include "tests/support/admin_view.h"

namespace kite::admin {

namespace {

bool has_line(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

/// Metric -> type, from the page's heads; a metric with two heads fails.
std::map<std::string, std::string> types_of(const std::string& page) {
  std::map<std::string, std::string> types;
  constexpr std::string_view kHead = "# TYPE ";
  for (size_t at = page.find(kHead); at != std::string::npos; at = page.find(kHead, at + 1)) {
    const size_t name = at + kHead.size();
    const size_t space = page.find(' ', name);
    const size_t end = page.find('\n', space);
    const bool is_new =
        types.emplace(page.substr(name, space - name), page.substr(space + 1, end - space - 1))
            .second;
    CHECK_MESSAGE(is_new, "a family has one head: ", page.substr(name, space - name));
  }
  return types;
}

/// The README's table: rows like "| `kite_ready` | gauge | | meaning |".
std::map<std::string, std::string> documented_types() {
  std::ifstream readme("README.md");  // the tests run in the repository's root
  REQUIRE(readme.good());
  std::map<std::string, std::string> types;
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("| `kite_")) continue;
    const size_t name_end = line.find('`', 3);
    const size_t type = line.find("| ", name_end) + 2;
    types[line.substr(3, name_end - 3)] = line.substr(type, line.find(' ', type) - type);
  }
  return types;
}

}  // namespace

TEST_CASE("metrics: a port's and a backend's numbers carry their labels") {
  const std::string page = metrics_page(testing::busy_view(1));
  CHECK(has_line(page, R"(kite_build_info{version="1.2.3"} 1)"));
  CHECK(has_line(page, "kite_ready 1"));
  CHECK(has_line(
      page, R"(kite_connections_accepted_total{target="service/orders/app",port="80"} 12345)"));
  CHECK(has_line(page, R"(kite_tunnels_closed_total{target="service/orders/app",port="80",)"
                       R"(reason="finished"} 12200)"));
  CHECK(has_line(page,
                 R"(kite_ejections_total{target="service/orders/app",container_port="8080"} 6)"));
  CHECK(has_line(page, R"(kite_backend_up{target="service/orders/app",container_port="8080",)"
                       R"(backend="10.0.0.1:32768",task="00000000000000000000000000000000",)"
                       R"(zone="eu-west-1a"} 1)"));
  CHECK(has_line(page, R"(kite_snapshot_age_seconds{target="service/orders/app"} 4)"));
  CHECK(has_line(page, R"(kite_api_calls_total{operation="ecs:ListTasks",result="ok"} 120)"));
  CHECK(has_line(page,
                 R"(kite_api_calls_total{operation="ecs:DescribeTasks",result="throttled"} 1)"));
  CHECK(has_line(page, "kite_process_start_time_seconds 1772571300"));
}

TEST_CASE("metrics: histograms count up to the sum") {
  const std::string page = metrics_page(testing::busy_view(1));
  const std::string labels = R"(target="service/orders/app",port="80")";
  CHECK(has_line(page, "kite_connect_duration_seconds_bucket{" + labels + R"(,le="0.0005"} 0)"));
  CHECK(has_line(page, "kite_connect_duration_seconds_bucket{" + labels + R"(,le="0.001"} 1)"));
  CHECK(has_line(page, "kite_connect_duration_seconds_bucket{" + labels + R"(,le="+Inf"} 1)"));
  CHECK(has_line(page, "kite_connect_duration_seconds_sum{" + labels + "} 0.0007"));
  CHECK(has_line(page, "kite_connect_duration_seconds_count{" + labels + "} 1"));
  // Turns of 1 to 999 microseconds; a bucket takes those of less than its edge.
  CHECK(has_line(page, R"(kite_reactor_turn_duration_seconds_bucket{le="0.000016"} 15)"));
  CHECK(has_line(page, R"(kite_reactor_turn_duration_seconds_bucket{le="0.001024"} 999)"));
  CHECK(has_line(page, "kite_reactor_turn_duration_seconds_count 999"));
  CHECK(has_line(page, "kite_reactor_turn_duration_seconds_sum 0.4995"));
}

TEST_CASE("metrics: hostile labels stay within their quotes") {
  const std::string page = metrics_page(testing::busy_view(1, "a\"} 1\nevil 1\n"));
  CHECK(page.find("\nevil") == std::string::npos);
  CHECK(page.find(R"(zone="a\"} 1\nevil 1\n")") != std::string::npos);
}

TEST_CASE("metrics: nothing known yet is a page too") {
  View view;
  view.version = "1.2.3";
  view.targets.emplace_back();
  view.targets[0].name = "family/web/app";
  const std::string page = metrics_page(view);
  CHECK(has_line(page, "kite_ready 0"));
  CHECK(has_line(page, R"(kite_snapshot_backends{target="family/web/app"} 0)"));
  CHECK(page.find("kite_snapshot_age_seconds") == std::string::npos);
}

TEST_CASE("documentation: the README's table has every metric with its type, and no other") {
  CHECK(documented_types() == types_of(metrics_page(testing::busy_view(2))));
}

}  // namespace kite::admin
