#include "http/response_collector.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::http {

TEST_CASE("response collector: headers are trimmed, folded lines joined, odd lines passed over") {
  ResponseCollector collector(10);
  for (const char* line : {"HTTP/1.1 200 OK\r\n", "A:  1 \r\n", "B: 2\r\n", "\t and more\r\n",
                           "no colon\r\n", "C:\r\n", "\r\n"}) {
    CHECK(collector.add_header_line(line));
  }
  const Response response = collector.take(200);
  REQUIRE(response.headers.size() == 3);
  CHECK(response.header("a") == "1");
  CHECK(response.header("b") == "2 and more");
  CHECK(response.header("c").empty());
}

TEST_CASE("response collector: a fold with nothing to fold onto is harmless") {
  ResponseCollector collector(10);
  CHECK(collector.add_header_line("HTTP/1.1 200 OK\r\n"));
  CHECK(collector.add_header_line(" lost: 1\r\n"));
  CHECK(collector.take(200).headers.size() == 1);
}

TEST_CASE("response collector: the body bound is exact") {
  ResponseCollector collector(4);
  CHECK(collector.add_body("abc"));
  CHECK(collector.add_body("d"));
  CHECK_FALSE(collector.too_large());
  CHECK_FALSE(collector.add_body("e"));
  CHECK(collector.too_large());
  CHECK(collector.take(200).body == "abcd");
}

TEST_CASE(
    "response collector: a body of announced length gets its room at once, within the bound") {
  const auto room = [](const char* length) {
    ResponseCollector collector(100'000);
    CHECK(collector.add_header_line("HTTP/1.1 200 OK\r\n"));
    CHECK(collector.add_header_line(std::string("content-length: ") + length + "\r\n"));
    CHECK(collector.add_body("a"));
    CHECK(collector.add_body("b"));
    return collector.take(200).body.capacity();
  };
  CHECK(room("70000") == 70'000);
  CHECK(room("100000000000000000") == 100'000);
  CHECK(room("99999999999999999999999") < 100);
  CHECK(room("-1") < 100);
  CHECK(room("") < 100);
}

TEST_CASE("response collector: headers of all blocks together are bounded") {
  ResponseCollector collector(4);
  const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
  bool taken = true;
  for (size_t i = 0; taken && i < 100; ++i) taken = collector.add_header_line(line);
  CHECK_FALSE(taken);
  CHECK(collector.too_large());
}

}  // namespace kite::http
