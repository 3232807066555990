#include "proxy/balancer.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/support/scripted_random.h"

namespace kite::proxy {

namespace {

snapshot::PortBackends three_backends() {
  snapshot::PortBackends port{80, {}};
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
    port.backends.push_back({sys::Endpoint::parse(address, 80).value(), 0});
  }
  return port;
}

}  // namespace

TEST_CASE("random balancer: picks what chance says") {
  testing::ScriptedRandom random;
  random.choices = {2, 0, 1};
  RandomBalancer balancer(random);
  const auto port = three_backends();
  CHECK(balancer.pick(port, {}) == 2);
  CHECK(balancer.pick(port, {}) == 0);
  CHECK(balancer.pick(port, {}) == 1);
}

TEST_CASE("random balancer: what was tried is not picked again") {
  testing::ScriptedRandom random;
  RandomBalancer balancer(random);
  const auto port = three_backends();
  std::vector<sys::Endpoint> tried = {port.backends[0].endpoint};
  random.choices = {0};
  CHECK(balancer.pick(port, tried) == 1);
  tried.push_back(port.backends[1].endpoint);
  CHECK(balancer.pick(port, tried) == 2);
  tried.push_back(port.backends[2].endpoint);
  CHECK_FALSE(balancer.pick(port, tried).has_value());
}

TEST_CASE("random balancer: an empty port has nothing to pick") {
  testing::ScriptedRandom random;
  RandomBalancer balancer(random);
  CHECK_FALSE(balancer.pick({80, {}}, {}).has_value());
}

TEST_CASE("random balancer: is uniform over 30,000 picks (chi-square, 2 degrees, p = 0.0001)") {
  sys::SeededRandom random(42);
  RandomBalancer balancer(random);
  const auto port = three_backends();
  std::array<int, 3> counts{};
  for (int i = 0; i < 30000; ++i) ++counts[*balancer.pick(port, {})];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
  CHECK(chi_square < 18.4);
}

}  // namespace kite::proxy
