#include "cli/config.h"

#include <string>

#include "tests/cli/command_line.h"

namespace kite::cli {

namespace {

std::string refused_variable(const std::string& variable, const std::string& value) {
  return error_of({}, {{"KITE_NAME", "app"}, {"KITE_SERVICE", "orders"}, {variable, value}});
}

}  // namespace

TEST_CASE("config: a name and a service are enough; the rest has the documented defaults") {
  const Config config = accepted({});
  CHECK(config.targets.front().name == "app");
  CHECK(config.targets.front().service == "orders");
  CHECK(config.targets.front().family.empty());
  CHECK_FALSE(config.targets.front().revision.has_value());
  CHECK(config.targets.front().cluster == "default");
  CHECK_FALSE(config.targets.front().use_public_addresses);
  CHECK(config.targets.front().ports.empty());
  CHECK_FALSE(config.targets.front().bind.has_value());
  CHECK(config.connect_timeout == milliseconds(1000));
  CHECK(config.connect_deadline == milliseconds(10000));
  CHECK(config.retries == 3);
  CHECK(config.poll.low == milliseconds(5000));
  CHECK(config.poll.high == milliseconds(20000));
  CHECK(config.region.empty());
  CHECK(config.endpoint_ecs.empty());
  CHECK(config.endpoint_ec2.empty());
  CHECK(config.log_level == sys::LogLevel::info);
  CHECK(config.log_format == sys::LogFormat::text);
  CHECK_FALSE(config.access_log);
  CHECK_FALSE(config.admin_given);
  CHECK(config.sandbox == SandboxMode::on);
}

TEST_CASE("config: the defaults that -help tells are the ones in force") {
  Args args;
  for (const FlagSpec& spec : flag_specs()) {
    const bool words = spec.default_text.find(' ') != std::string_view::npos;
    const bool of_run = spec.topic != Topic::commands;
    if (spec.default_text.empty() || words || !of_run) continue;
    args.push_back("-" + std::string(spec.name) + "=" + std::string(spec.default_text));
  }
  // cluster deployment public balance connect-* retries hold idle-timeout keepalive
  // tcp-user-timeout removed proxy-protocol zone-aware slow-start eject-* poll loglevel log-format
  // admin drain-timeout sandbox
  CHECK(args.size() == 24);
  const Config told = accepted(args);
  const Config silent = accepted({});
  CHECK(told.targets.front().cluster == silent.targets.front().cluster);
  CHECK(told.targets.front().use_public_addresses == silent.targets.front().use_public_addresses);
  CHECK(told.targets.front().balance == silent.targets.front().balance);
  CHECK(told.connect_timeout == silent.connect_timeout);
  CHECK(told.connect_deadline == silent.connect_deadline);
  CHECK(told.retries == silent.retries);
  CHECK(told.hold == silent.hold);
  CHECK(told.idle_timeout == silent.idle_timeout);
  CHECK(told.liveness == silent.liveness);
  CHECK(told.removed_grace == silent.removed_grace);
  CHECK(told.proxy_protocol == silent.proxy_protocol);
  CHECK(told.drain_timeout == silent.drain_timeout);
  CHECK(told.zone_aware == silent.zone_aware);
  CHECK(told.slow_start == silent.slow_start);
  CHECK(told.eject_after == silent.eject_after);
  CHECK(told.eject_on_reset == silent.eject_on_reset);
  CHECK(told.poll.low == silent.poll.low);
  CHECK(told.poll.high == silent.poll.high);
  CHECK(told.log_level == silent.log_level);
  CHECK(told.log_format == silent.log_format);
  REQUIRE(told.admin.has_value());
  CHECK(told.admin->text() == silent.admin->text());
  CHECK(told.sandbox == silent.sandbox);
}

TEST_CASE("config: every flag arrives where it belongs") {
  const auto invocation = parse({"-name=web",
                                 "-family=shop:12",
                                 "-cluster=prod",
                                 "-public",
                                 "-port=80:8080,443",
                                 "-port=9000",
                                 "-bind=127.0.0.1",
                                 "-balance=p2c",
                                 "-connect-timeout=250ms",
                                 "-connect-deadline=1m30s",
                                 "-retries=0",
                                 "-zone-aware",
                                 "-slow-start=0",
                                 "-eject-after=5",
                                 "-eject-on-reset",
                                 "-poll=1s-1.5s",
                                 "-region=eu-west-1",
                                 "-endpoint-ecs=http://127.0.0.1:4566/x",
                                 "-endpoint-ec2=https://[::1]:4567",
                                 "-loglevel=debug",
                                 "-log-format=json",
                                 "-access-log",
                                 "-sandbox=require"});
  REQUIRE(invocation.ok());
  const Config config = std::get<Config>(invocation.value());
  CHECK(config.targets.front().name == "web");
  CHECK(config.targets.front().family == "shop");
  CHECK(config.targets.front().revision == 12U);
  CHECK(config.targets.front().service.empty());
  CHECK(config.targets.front().cluster == "prod");
  CHECK(config.targets.front().use_public_addresses);
  CHECK(config.targets.front().ports ==
        std::vector<PortMapping>{{80, 8080}, {443, 443}, {9000, 9000}});
  CHECK(config.targets.front().bind.value().text() == "127.0.0.1:0");
  CHECK(config.connect_timeout == milliseconds(250));
  CHECK(config.connect_deadline == milliseconds(90'000));
  CHECK(config.retries == 0);
  CHECK(config.targets.front().balance == Balance::p2c);
  CHECK(config.zone_aware);
  CHECK(config.slow_start == milliseconds(0));
  CHECK(config.eject_after == 5);
  CHECK(config.eject_on_reset);
  CHECK(config.poll.low == milliseconds(1000));
  CHECK(config.poll.high == milliseconds(1500));
  CHECK(config.region == "eu-west-1");
  CHECK(config.endpoint_ecs == "http://127.0.0.1:4566/x");
  CHECK(config.endpoint_ec2 == "https://[::1]:4567");
  CHECK(config.log_level == sys::LogLevel::debug);
  CHECK(config.log_format == sys::LogFormat::json);
  CHECK(config.access_log);
  CHECK(config.sandbox == SandboxMode::require);
}

TEST_CASE("config: the sandbox is on, required or off") {
  for (const std::string mode : {"on", "require", "off"}) {
    CHECK(error_of({"-name=a", "-service=s", "-sandbox=" + mode}) == "(accepted)");
  }
  for (const std::string mode : {"", "true", "On", "none"}) {
    CHECK(error_of({"-name=a", "-service=s", "-sandbox=" + mode}) ==
          "-sandbox is \"" + mode + "\": write on, require or off, such as -sandbox=on");
  }
}

TEST_CASE("config: the environment alone is enough") {
  const auto invocation = parse({}, {{"KITE_NAME", "web"},
                                     {"KITE_FAMILY", "shop"},
                                     {"KITE_PORT", "80:8080,443"},
                                     {"KITE_PUBLIC", "1"},
                                     {"KITE_CONNECT_TIMEOUT", "2s"}});
  REQUIRE(invocation.ok());
  const Config& config = std::get<Config>(invocation.value());
  CHECK(config.targets.front().name == "web");
  CHECK(config.targets.front().family == "shop");
  CHECK(config.targets.front().use_public_addresses);
  CHECK(config.targets.front().ports == std::vector<PortMapping>{{80, 8080}, {443, 443}});
  CHECK(config.connect_timeout == milliseconds(2000));
}

TEST_CASE("config: help and version need nothing else and win over it") {
  CHECK(std::holds_alternative<ShowHelp>(parse({"-help"}).value()));
  CHECK(std::holds_alternative<ShowHelp>(parse({"-retries=x", "-help"}).value()));
  CHECK(std::holds_alternative<ShowVersion>(parse({"-version"}).value()));
  CHECK(std::holds_alternative<ShowVersion>(parse({}, {{"KITE_VERSION", "true"}}).value()));
}

TEST_CASE("config: the name of the container") {
  const auto with = [](const std::string& name) { return error_of({"-service=s", name}); };
  CHECK(with("-name=app_1-B") == "(accepted)");
  CHECK(error_of({"-service=s"}) ==
        "-name is missing: give the container to proxy to, such as -name=app");
  CHECK(error_of({}) == "-name is missing: give the container to proxy to, such as -name=app");
  CHECK(with("-name=") == "-name is empty: give the container to proxy to, such as -name=app");
  CHECK(with("-name=a b") ==
        "-name is \"a b\": a container's name has letters, digits, '-' and '_', at most 255 of "
        "them");
  CHECK(with("-name=" + std::string(255, 'a')) == "(accepted)");
  CHECK(with("-name=" + std::string(256, 'a')).find("at most 255") != std::string::npos);
  // A forgotten value swallows the next flag, as in Go; the sentence shows it.
  CHECK(error_of({"-name", "-service=s"}).starts_with("-name is \"-service=s\""));
}

TEST_CASE("config: exactly one of family and service") {
  CHECK(error_of({"-name=a"}) ==
        "-family and -service are both missing: give one of them, such as -service=orders or "
        "-family=orders");
  CHECK(error_of({"-name=a", "-family=f", "-service=s"}) ==
        "-family and -service are both given: they exclude each other, so remove one");
  CHECK(error_of({"-name=a", "-service=s"}, {{"KITE_FAMILY", "f"}}) ==
        "KITE_FAMILY and -service are both given: they exclude each other, so remove one");
  CHECK(error_of({"-name=a", "-service=s"}, {{"KITE_FAMILY", ""}}) == "(accepted)");
  CHECK(error_of({"-name=a", "-service="}) ==
        "-service is empty: give the ECS service, such as -service=orders");
  CHECK(error_of({"-name=a", "-family="}) ==
        "-family is empty: give the task family, such as -family=orders");
}

TEST_CASE("config: family and revision") {
  const auto with = [](const std::string& family) {
    return error_of({"-name=a", "-family=" + family});
  };
  CHECK(with("web") == "(accepted)");
  CHECK(with("web:1") == "(accepted)");
  CHECK(with("web:4294967295") == "(accepted)");
  for (const std::string revision : {"", "0", "x", "1x", "-1", "+1", " 1", "4294967296", "1:2"}) {
    CAPTURE(revision);
    CHECK(with("web:" + revision) ==
          "-family is \"web:" + revision +
              "\": what follows the ':' is a revision, a number from 1, such as -family=web:7");
  }
  for (const std::string family : {"a b", "a/b", ":7", "a.b", "\xC3\xA4"}) {
    CAPTURE(family);
    CHECK(with(family).find("a family's name has letters, digits") != std::string::npos);
  }
  CHECK(with("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7")
            .find("give the family's name instead of an ARN") != std::string::npos);
}

TEST_CASE("config: the service is a name") {
  CHECK(error_of({"-name=a", "-service=a/b"}) ==
        "-service is \"a/b\": a service's name has letters, digits, '-' and '_', at most 255 of "
        "them");
  CHECK(error_of({"-name=a", "-service=arn:aws:ecs:eu-west-1:111122223333:service/prod/api"})
            .find("give the service's name, which is the last part of its ARN") !=
        std::string::npos);
}

TEST_CASE("config: the cluster is a name or an ARN") {
  const std::string arn = "arn:aws-cn:ecs:cn-north-1:111122223333:cluster/prod";
  CHECK(accepted({"-cluster=" + arn}).targets.front().cluster == arn);
  CHECK(refused("-cluster=") == "-cluster is empty: give the cluster, such as -cluster=prod");
  CHECK(
      refused("-cluster=a b") ==
      "-cluster is \"a b\": give a name (letters, digits, '-' and '_', at most 255 of them) or an "
      "ARN (arn:aws:ecs:<region>:<account>:cluster/<name>)");
}

TEST_CASE("config: ports") {
  CHECK(accepted({"-port=1", "-port=65535"}).targets.front().ports ==
        std::vector<PortMapping>{{1, 1}, {65535, 65535}});
  CHECK(accepted({"-port=80:8080,81:8080"}).targets.front().ports ==
        std::vector<PortMapping>{{80, 8080}, {81, 8080}});
  for (const std::string ports :
       {"",       "0",    "65536",    "4294967376", "x",         "80,",  ",80",
        "80,,81", "-80",  "+80",      " 80",        "80 ",       "80:",  ":80",
        "80:0",   "0:80", "80:81:82", "8080/tcp",   "8000-8010", "0x50", "1e3"}) {
    CAPTURE(ports);
    CHECK(refused("-port=" + ports) ==
          "-port is \"" + ports +
              "\": a port is a number from 1 to 65535, alone or as listen:container, such as "
              "-port=8080 or -port=80:8080");
  }
  CHECK(refused_variable("KITE_PORT", "tcp://172.17.0.5:80")
            .starts_with("KITE_PORT is \"tcp://172.17.0.5:80\": a port is a number"));
}

TEST_CASE("config: one listen port serves one container port") {
  const std::string expected =
      "port 80 is to be listened on twice, so give one of them another listen port";
  CHECK(refused("-port=80,80") == "-port is \"80,80\": " + expected);
  CHECK(refused("-port=80:8080,80:8081") == "-port is \"80:8080,80:8081\": " + expected);
  CHECK(error_of({"-name=a", "-service=s", "-port=80", "-port=443,80:1"}) ==
        "-port is \"443,80:1\": " + expected);
}

TEST_CASE("config: the address to bind is a literal") {
  CHECK(accepted({"-bind=0.0.0.0"}).targets.front().bind.value().text() == "0.0.0.0:0");
  CHECK(accepted({"-bind=::1"}).targets.front().bind.value().text() == "[::1]:0");
  CHECK(accepted({"-bind=[::]"}).targets.front().bind.value().text() == "[::]:0");
  for (const std::string address : {"", "localhost", "127.0.0.1:80", "127.1", "256.0.0.1",
                                    "[::1]:80", "fe80::1%lo", "10.0.0.0/8"}) {
    CAPTURE(address);
    CHECK(refused("-bind=" + address) ==
          "-bind is \"" + address +
              "\": give an IPv4 or IPv6 address without a name or port, such as "
              "-bind=127.0.0.1");
  }
}

TEST_CASE("config: connect times") {
  CHECK(accepted({"-connect-timeout=1ms"}).connect_timeout == milliseconds(1));
  CHECK(accepted({"-connect-timeout=1.6ms"}).connect_timeout == milliseconds(2));
  CHECK(accepted({"-connect-deadline=1h"}).connect_deadline == milliseconds(3'600'000));
  CHECK(accepted({"-connect-timeout=5s", "-connect-deadline=5s"}).connect_deadline ==
        milliseconds(5000));
  CHECK(refused("-connect-timeout=5") ==
        "-connect-timeout is \"5\": a duration is a number and a unit (ms, s, m, h), such as "
        "-connect-timeout=1s");
  CHECK(refused("-connect-deadline=").starts_with("-connect-deadline is \"\": a duration is"));
  for (const std::string text : {"0", "0s", "-1s", "999us", "1h1ms", "61m"}) {
    CAPTURE(text);
    CHECK(refused("-connect-timeout=" + text) ==
          "-connect-timeout is \"" + text +
              "\": give a duration from 1ms to 1h, such as -connect-timeout=1s");
  }
}

TEST_CASE("config: the deadline has room for one attempt, whichever of the two was given") {
  CHECK(refused("-connect-timeout=20s") ==
        "-connect-timeout is \"20s\": all attempts together (-connect-deadline, now 10s) need at "
        "least the time of one (-connect-timeout, now 20s)");
  CHECK(refused("-connect-deadline=500ms") ==
        "-connect-deadline is \"500ms\": all attempts together (-connect-deadline, now 500ms) need "
        "at least the time of one (-connect-timeout, now 1s)");
  CHECK(refused_variable("KITE_CONNECT_DEADLINE", "500ms")
            .starts_with("KITE_CONNECT_DEADLINE is \"500ms\""));
}

TEST_CASE("config: retries") {
  CHECK(accepted({"-retries=0"}).retries == 0);
  CHECK(accepted({"-retries=100"}).retries == 100);
  for (const std::string text : {"", "101", "-1", "+1", "1.5", "three", "99999999999"}) {
    CAPTURE(text);
    CHECK(refused("-retries=" + text) ==
          "-retries is \"" + text + "\": give a number from 0 to 100, such as -retries=3");
  }
}

TEST_CASE("config: logging") {
  CHECK(accepted({"-loglevel=warning"}).log_level == sys::LogLevel::warn);
  CHECK(accepted({"-loglevel=panic"}).log_level == sys::LogLevel::panic);
  for (const std::string level : {"", "INFO", "trace", "verbose", "5"}) {
    CHECK(refused("-loglevel=" + level) ==
          "-loglevel is \"" + level +
              "\": it must be one of panic, fatal, error, warn, info, debug");
  }
  CHECK(refused("-log-format=xml") == "-log-format is \"xml\": it must be text or json");
}

TEST_CASE(
    "config: a problem with a variable names the variable, for every flag that can be wrong") {
  for (const FlagSpec& spec : flag_specs()) {
    if (spec.topic == Topic::program) continue;
    const std::string variable = environment_name(spec);
    CAPTURE(variable);
    sys::Environment::Variables variables = {{"KITE_NAME", "app"}};
    if (spec.id != FlagId::family) variables["KITE_SERVICE"] = "orders";
    variables[variable] = "\x01 bad";
    CHECK(error_of({}, variables).starts_with(variable + " is \"? bad\": "));
  }
}

}  // namespace kite::cli
