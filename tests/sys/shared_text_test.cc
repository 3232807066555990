#include "sys/shared_text.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace kite::sys {

TEST_CASE("shared text: copies share the bytes, which outlive all but the last of them") {
  SharedText copy;
  {
    const SharedText text(std::string("arn:aws:ecs"));
    CHECK_FALSE(text.is_shared());
    copy = text;
    CHECK(copy.view().data() == text.view().data());
    CHECK(text.is_shared());
  }
  CHECK_FALSE(copy.is_shared());
  CHECK(copy == "arn:aws:ecs");
  const SharedText moved = std::move(copy);
  CHECK(moved == std::string("arn:aws:ecs"));
  CHECK_FALSE(moved.is_shared());
}

TEST_CASE("shared text: compares as text, assigns over itself, clears") {
  SharedText text = "b";
  CHECK(text == SharedText("b"));
  CHECK(text != "a");
  CHECK(text > std::string_view("a"));
  const SharedText& same = text;
  text = same;
  CHECK(text == "b");
  text.clear();
  CHECK(text.empty());
  CHECK(text == "");
  CHECK(text == SharedText(""));
  CHECK_FALSE(text.is_shared());
}

TEST_CASE("shared text: a map keyed by it is searched by any text") {
  std::map<SharedText, int, std::less<>> map{{"a", 1}, {"b", 2}};
  CHECK(map.find(std::string_view("b"))->second == 2);
  CHECK(map.find(std::string_view("c")) == map.end());
}

TEST_CASE("text pool: equal texts become one, and go when nobody else has them") {
  TextPool pool;
  SharedText first = pool.share("eu-west-1a");
  const SharedText second = pool.share("eu-west-1a");
  CHECK(first.view().data() == second.view().data());
  pool.share("eu-west-1b");
  pool.share("");
  CHECK(pool.size() == 2);
  pool.trim();
  CHECK(pool.size() == 1);
  first.clear();
  pool.trim();
  CHECK(pool.size() == 1);
  CHECK(second == "eu-west-1a");
}

}  // namespace kite::sys
