#include "event/handler.h"

#include <doctest/doctest.h>

#include <type_traits>

namespace kite::event {

namespace {

struct Adder {
  void add(int amount) { sum += amount; }
  void add_const(int amount) const { *seen += amount; }
  int sum = 0;
  int* seen = nullptr;
};

}  // namespace

static_assert(std::is_trivially_copyable_v<Handler<void(int)>>);
static_assert(sizeof(Handler<void(int)>) == 2 * sizeof(void*));

TEST_CASE("handler: calls the member of its object, with its arguments") {
  int seen = 0;
  Adder adder{.seen = &seen};
  const auto handler = Handler<void(int)>::to<&Adder::add>(&adder);
  handler(3);
  handler(4);
  CHECK(adder.sum == 7);
  const auto copy = handler;
  copy(1);
  CHECK(adder.sum == 8);
  Handler<void(int)>::to<&Adder::add_const> (&adder)(5);
  CHECK(seen == 5);
}

TEST_CASE("handler: knows whether it has something to call") {
  Adder adder;
  CHECK_FALSE(static_cast<bool>(Handler<void(int)>()));
  CHECK(static_cast<bool>(Handler<void(int)>::to<&Adder::add>(&adder)));
}

}  // namespace kite::event
