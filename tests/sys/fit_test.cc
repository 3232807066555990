#include "sys/fit.h"

#include <doctest/doctest.h>

#include <memory>

namespace kite::sys {

TEST_CASE("fit: keeps the elements and no more room than they take") {
  std::vector<std::unique_ptr<int>> vector;
  for (int i = 0; i < 100; ++i) vector.push_back(std::make_unique<int>(i));
  vector.resize(3);
  CHECK(vector.capacity() >= 100);
  fit(vector);
  CHECK(vector.capacity() == 3);
  REQUIRE(vector.size() == 3);
  CHECK(*vector[2] == 2);
  vector.clear();
  fit(vector);
  CHECK(vector.capacity() == 0);
}

}  // namespace kite::sys
