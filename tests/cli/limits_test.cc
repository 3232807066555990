#include <doctest/doctest.h>

#include <variant>

#include "cli/config.h"

namespace kite::cli {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

sys::Result<Invocation> parse(std::vector<std::string> args) {
  args.insert(args.end(), {"-name=app", "-service=orders"});
  return parse_command_line(args, sys::Environment());
}

Config config(const std::string& arg) {
  const auto invocation = parse({arg});
  REQUIRE_MESSAGE(invocation.ok(), arg);
  return std::get<Config>(*invocation);
}

std::string refusal(const std::string& arg) {
  const auto invocation = parse({arg});
  return invocation.ok() ? "" : invocation.error().message;
}

}  // namespace

TEST_CASE("limits: without flags they are as documented") {
  const Config plain = config("-public=false");
  CHECK(plain.hold == seconds(10));
  CHECK(plain.drain_timeout == seconds(25));
  CHECK(plain.idle_timeout == milliseconds(0));
  CHECK(plain.liveness.probe_after == seconds(60));
  CHECK(plain.liveness.probe_interval == seconds(15));
  CHECK(plain.liveness.probes == 4);
  CHECK(plain.liveness.unacknowledged_max == milliseconds(0));
  CHECK(!plain.removed_grace);
  CHECK(plain.max_connections == 0);
  CHECK(plain.proxy_protocol == ProxyProtocol::off);
}

TEST_CASE("limits: waits may be nothing") {
  CHECK(config("-hold=0").hold == milliseconds(0));
  CHECK(config("-hold=1m").hold == minutes(1));
  CHECK(config("-drain-timeout=0").drain_timeout == milliseconds(0));
  CHECK(config("-drain-timeout=110s").drain_timeout == seconds(110));
  CHECK(refusal("-hold=-1s") ==
        "-hold is \"-1s\": give a duration from 0s to 1h, such as "
        "-hold=10s");
  CHECK(refusal("-drain-timeout=off").starts_with("-drain-timeout is \"off\": a duration is"));
}

TEST_CASE("limits: what may be off says so") {
  CHECK(config("-idle-timeout=off").idle_timeout == milliseconds(0));
  CHECK(config("-idle-timeout=1h").idle_timeout == hours(1));
  CHECK(refusal("-idle-timeout=0").starts_with("-idle-timeout is \"0\": give a duration from"));
  CHECK(config("-tcp-user-timeout=30s").liveness.unacknowledged_max == seconds(30));
  CHECK(config("-tcp-user-timeout=off").liveness.unacknowledged_max == milliseconds(0));
  CHECK(refusal("-tcp-user-timeout=1ms") != "");
}

TEST_CASE("limits: keepalive in one, two or three parts") {
  CHECK(config("-keepalive=off").liveness.probe_after == seconds(0));
  const Config one = config("-keepalive=30s");
  CHECK(one.liveness.probe_after == seconds(30));
  CHECK(one.liveness.probe_interval == seconds(15));
  CHECK(one.liveness.probes == 4);
  const Config three = config("-keepalive=2m,5s,9");
  CHECK(three.liveness.probe_after == minutes(2));
  CHECK(three.liveness.probe_interval == seconds(5));
  CHECK(three.liveness.probes == 9);
  for (const char* broken :
       {"-keepalive=", "-keepalive=on", "-keepalive=0s", "-keepalive=500ms", "-keepalive=10h",
        "-keepalive=1m,0s", "-keepalive=1m,1s,0", "-keepalive=1m,1s,128", "-keepalive=1m,1s,2,3"}) {
    CHECK_MESSAGE(refusal(broken).starts_with("-keepalive is "), broken);
  }
}

TEST_CASE("limits: removed is keep or a grace") {
  CHECK(!config("-removed=keep").removed_grace);
  CHECK(config("-removed=close=30s").removed_grace == seconds(30));
  CHECK(config("-removed=close=0").removed_grace == milliseconds(0));
  for (const char* broken : {"-removed=", "-removed=close", "-removed=close=", "-removed=30s"}) {
    CHECK_MESSAGE(refusal(broken).starts_with("-removed is "), broken);
  }
}

TEST_CASE("limits: a number of connections is at least one") {
  CHECK(config("-max-connections=500").max_connections == 500);
  CHECK(refusal("-max-connections=0") ==
        "-max-connections is \"0\": give a number from 1 to 10000000, such as "
        "-max-connections=1000");
  CHECK(refusal("-max-connections=many") != "");
}

TEST_CASE("limits: versions of the PROXY protocol") {
  CHECK(config("-proxy-protocol=v1").proxy_protocol == ProxyProtocol::v1);
  CHECK(config("-proxy-protocol=v2").proxy_protocol == ProxyProtocol::v2);
  CHECK(config("-proxy-protocol=off").proxy_protocol == ProxyProtocol::off);
  CHECK(refusal("-proxy-protocol=3") ==
        "-proxy-protocol is \"3\": write off, v1 or v2, such as -proxy-protocol=v2");
}

}  // namespace kite::cli
