#include "sys/recycled.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>

namespace kite::sys {

namespace {

struct Thing : Recycled<Thing> {
  std::array<char, 40> bytes{};
};
struct OtherThing : Recycled<OtherThing> {
  std::array<char, 40> bytes{};
};
struct LargerThing final : Thing {
  std::array<char, 40> more{};
};

#ifdef __SANITIZE_ADDRESS__
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

}  // namespace

TEST_CASE("recycled: the memory of the last that died serves the next of its type") {
  auto first = std::make_unique<Thing>();
  auto second = std::make_unique<Thing>();
  const void* const first_place = first.get();
  const void* const second_place = second.get();
  first.reset();
  second.reset();
  const auto other = std::make_unique<OtherThing>();
  CHECK(static_cast<const void*>(other.get()) != second_place);
  const auto third = std::make_unique<Thing>();
  const auto fourth = std::make_unique<Thing>();
  CHECK((third.get() == second_place) == kRecycles);
  CHECK((fourth.get() == first_place) == kRecycles);
  Thing::give_back_idle();
}

TEST_CASE("recycled: what was given back is not used again") {
  { const Thing thing; }
  auto one = std::make_unique<Thing>();
  one.reset();
  Thing::give_back_idle();
  Thing::give_back_idle();                      // nothing is left to give
  const auto next = std::make_unique<Thing>();  // the sanitizer would see a use after free
  CHECK(next->bytes[0] == 0);
}

TEST_CASE("recycled: a larger descendant does not share its memory") {
  auto large = std::make_unique<LargerThing>();
  large.reset();
  const auto small = std::make_unique<Thing>();
  CHECK(small->bytes.size() == 40);
  Thing::give_back_idle();
}

}  // namespace kite::sys
