#include "cli/healthcheck_command.h"

#include <doctest/doctest.h>

namespace kite::cli {

TEST_CASE("healthcheck: the kite's answer decides, its reason is told") {
  const HealthAnswer yes =
      read_health_answer("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\nready: 2 backends\n");
  CHECK(yes.ready);
  CHECK(yes.message == "ready: 2 backends");
  const HealthAnswer no =
      read_health_answer("HTTP/1.1 503 Service Unavailable\r\n\r\ndraining: told to end\n");
  CHECK_FALSE(no.ready);
  CHECK(no.message == "draining: told to end");
}

TEST_CASE("healthcheck: whoever else answers is not healthy") {
  for (const char* answer :
       {"", "HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.0 200"}) {
    CAPTURE(answer);
    CHECK_FALSE(read_health_answer(answer).ready);
  }
}

TEST_CASE("healthcheck: without an address there is nobody to ask") {
  const HealthAnswer off = ask_health(std::nullopt);
  CHECK_FALSE(off.ready);
  CHECK(off.message.find("-admin=off") != std::string::npos);
  const auto nowhere = sys::StreamAddress::parse("unix:/nowhere/kite.sock");
  CHECK(ask_health(nowhere.value()).message.find("unix:/nowhere/kite.sock") != std::string::npos);
}

}  // namespace kite::cli
