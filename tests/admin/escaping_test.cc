#include "admin/escaping.h"

#include <doctest/doctest.h>

#include <chrono>

namespace kite::admin {

namespace {

using Append = void (*)(std::string&, std::string_view);

std::string made(Append append, std::string_view text) {
  std::string page;
  append(page, text);
  return page;
}

std::string seconds(sys::Duration duration) {
  std::string page;
  append_seconds(page, duration);
  return page;
}

}  // namespace

TEST_CASE("escaping: HTML keeps text text, in elements and in quoted attributes") {
  CHECK(made(append_html, "a & <b> \"c\" 'd'") == "a &amp; &lt;b&gt; &quot;c&quot; &#39;d&#39;");
  CHECK(made(append_html, "Z\xC3\xBCrich") == "Z\xC3\xBCrich");
  CHECK(made(append_html, "a\x80z\n\x1b") == "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(made(append_html, std::string_view("a\0b", 3)) ==
        "a\xEF\xBF\xBD"
        "b");
}

TEST_CASE("escaping: labels escape what the exposition format names") {
  CHECK(made(append_label, "a\"b\\c\nd") == R"("a\"b\\c\nd")");
  CHECK(made(append_label, "\xC3") == "\"\xEF\xBF\xBD\"");
}

TEST_CASE("escaping: seconds have the digits they need") {
  using namespace std::chrono_literals;
  CHECK(seconds(0s) == "0");
  CHECK(seconds(3s) == "3");
  CHECK(seconds(250ms) == "0.25");
  CHECK(seconds(1ns) == "0.000000001");
  CHECK(seconds(-1500ms) == "-1.5");
  CHECK(seconds(sys::Duration::min()) == "-9223372036.854775808");
}

}  // namespace kite::admin
