#include <doctest/doctest.h>

#include <cstdlib>

#include "sys/random.h"
#include "tests/support/scripted_peers.h"

namespace kite::proxy {

namespace {

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

// KITE_FUZZ_SEED repeats a failure, KITE_FUZZ_RUNS makes it last longer.
TEST_CASE(
    "tunnel fuzz: whatever peers do, output is a prefix of input and every end is passed on") {
  const uint64_t first_seed = number_from_environment("KITE_FUZZ_SEED", sys::seed_from_kernel());
  const uint64_t runs = number_from_environment("KITE_FUZZ_RUNS", 40);
  for (uint64_t run = 0; run < runs; ++run) {
    const uint64_t seed = first_seed + run;
    INFO("KITE_FUZZ_SEED=", seed, " KITE_FUZZ_RUNS=1");
    testing::FdCensus census;
    sys::SeededRandom choices(seed);
    testing::ScriptedPeers(choices).run([](int steps) { return steps < 300; });
  }
}

}  // namespace kite::proxy
