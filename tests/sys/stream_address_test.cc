#include "sys/stream_address.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::sys {

TEST_CASE("stream address: addresses with a port, and paths") {
  for (const std::string text : {"127.0.0.1:9902", "0.0.0.0:1", "[::1]:65535", "unix:/run/kite"}) {
    CAPTURE(text);
    const auto parsed = StreamAddress::parse(text);
    REQUIRE(parsed.ok());
    CHECK(parsed->text() == text);
  }
}

TEST_CASE("stream address: what is none is refused") {
  for (const std::string text : {"", "9902", ":9902", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
                                 "127.0.0.1:65536", "127.0.0.1:x", "localhost:9902", "::1:9902",
                                 "[::1]", "[127.0.0.1]:80", "unix:", "unix:run", "off"}) {
    CAPTURE(text);
    CHECK_FALSE(StreamAddress::parse(text).ok());
  }
  CHECK_FALSE(StreamAddress::parse("unix:/" + std::string(107, 'x')).ok());
  CHECK_FALSE(StreamAddress::parse(std::string("unix:/a\0b", 9)).ok());
}

}  // namespace kite::sys
