#include "admin/bar_chart.h"

#include <doctest/doctest.h>

#include <vector>

namespace kite::admin {

namespace {

std::string path_of(const std::vector<uint32_t>& steps) {
  std::string page;
  append_bar_chart(page, steps, "x");
  const size_t start = page.find(" d=\"") + 4;
  return page.substr(start, page.find('"', start) - start);
}

}  // namespace

TEST_CASE("bar chart: the highest step fills the chart, equal steps are one") {
  CHECK(path_of({0, 5, 5, 10}) == "M0 16V16h2V8h4V0h2V16z");
  CHECK(path_of({0, 0}) == "M0 16V16h4V16z");
  CHECK(path_of({1, 1000}) == "M0 16V15h2V0h2V16z");  // a little is not nothing
  CHECK(path_of({}) == "M0 16V16z");
  CHECK(path_of({UINT32_MAX}) == "M0 16V0h2V16z");
}

}  // namespace kite::admin
