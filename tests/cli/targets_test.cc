#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/config.h"

namespace kite::cli {

namespace {

using Args = std::vector<std::string>;

sys::Result<Invocation> parse(const Args& args, sys::Environment::Variables variables = {}) {
  return parse_command_line(args, sys::Environment(std::move(variables)));
}

std::vector<TargetConfig> targets_of(const Args& args, sys::Environment::Variables variables = {}) {
  auto invocation = parse(args, std::move(variables));
  INFO(std::string(invocation.ok() ? "" : invocation.error().message));
  REQUIRE(invocation.ok());
  return std::get<Config>(invocation.value()).targets;
}

std::string error_of(const Args& args) {
  const auto invocation = parse(args);
  return invocation.ok() ? "(accepted)" : invocation.error().message;
}

}  // namespace

TEST_CASE("targets: -target adds one, with what is not given taken from the flags") {
  const auto targets =
      targets_of({"-name=app", "-service=orders", "-port=8080", "-cluster=prod", "-bind=127.0.0.1",
                  "-public", "-target=family=users:3,name=web,port=80:8081,port=443"});
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].service == "orders");
  CHECK(targets[1].family == "users");
  CHECK(targets[1].revision == 3U);
  CHECK(targets[1].name == "web");
  CHECK(targets[1].ports == std::vector<PortMapping>{{80, 8081}, {443, 443}});
  CHECK(targets[1].cluster == "prod");
  CHECK(targets[1].bind.value().address_text() == "127.0.0.1");
  CHECK(targets[1].use_public_addresses);
}

TEST_CASE("targets: a target's own keys go over the flags'") {
  const auto targets =
      targets_of({"-name=app", "-service=orders", "-cluster=prod", "-bind=127.0.0.1", "-public",
                  "-target=service=users,name=web,cluster=test,bind=::1,public=false"});
  CHECK(targets[1].cluster == "test");
  CHECK(targets[1].bind.value().address_text() == "::1");
  CHECK_FALSE(targets[1].use_public_addresses);
}

TEST_CASE("targets: several in one value or variable, and without any of the plain flags") {
  const auto targets =
      targets_of({"-target=service=a,name=x;family=b,name=y", "-target", "service=c,name=z"});
  REQUIRE(targets.size() == 3);
  CHECK(targets[1].family == "b");
  CHECK(targets[2].service == "c");
  CHECK(targets_of({}, {{"KITE_TARGET", "service=a,name=x;service=b,name=y"}}).size() == 2);
}

TEST_CASE("targets: what is wrong with one is said of it") {
  CHECK(error_of({"-target=service=a"}) ==
        "-target ..,name is missing: give the container to proxy to, such as -target ..,name=app");
  CHECK(error_of({"-target=name=a"}).starts_with("-target ..,family and -target ..,service are"));
  CHECK(error_of({"-target=service=a b,name=x"}).starts_with("-target ..,service is \"a b\": "));
  CHECK(error_of({"-target=orders"}) ==
        "-target is \"orders\": \"orders\" lacks a '=': write key=value, separated by commas, such "
        "as -target=service=orders,name=app,port=8080");
  CHECK(error_of({"-target=service=a,nam=x"})
            .find("\"nam\" is no key of a target: there are name, "
                  "family") != std::string::npos);
  CHECK(error_of({"-target=service=a,service=b"}).find("service is given twice: remove one") !=
        std::string::npos);
  CHECK(error_of({"-target=service=a,name=x,public=maybe"})
            .starts_with("-target ..,public is \"maybe\": write true or false"));
  CHECK(error_of({"-target="}).starts_with("-target ..,name is missing"));
}

TEST_CASE("targets: one port of one address is listened on once") {
  const auto with = [](const std::string& bind, const std::string& second) {
    return error_of({"-name=app", "-service=orders", "-port=8080", "-bind=" + bind,
                     "-target=service=users,name=web," + second});
  };
  CHECK(with("0.0.0.0", "port=8080") ==
        "port 8080 is to be listened on for app of service orders and for web of service users: "
        "give one of them another listen port, such as port=18080:8080, or another bind address");
  CHECK(with("127.0.0.1", "port=8080").starts_with("port 8080 is to be"));
  CHECK(with("127.0.0.1", "port=8080,bind=::").starts_with("port 8080 is to be"));
  CHECK(with("127.0.0.1", "port=8080,bind=127.0.0.2") == "(accepted)");
  CHECK(with("127.0.0.1", "port=8081:8080") == "(accepted)");
}

TEST_CASE("targets: there is a bound") {
  std::string many = "service=a,name=x";
  for (int i = 1; i < 64; ++i) many += ";service=a,name=x";
  CHECK(targets_of({"-target=" + many}).size() == 64);
  CHECK(error_of({"-target=" + many + ";service=a,name=x"}).find("at most 64 targets") !=
        std::string::npos);
}

TEST_CASE("command line: a word in front of the flags is a command") {
  CHECK(std::get<Config>(parse({"run", "-name=a", "-service=s"}).value()).command == Command::run);
  CHECK(error_of({"dance", "-name=a"}) ==
        "unknown command \"dance\": there is run, list, check, healthcheck, wait; flags start with '-', such as "
        "-name=app");
  CHECK(error_of({"-name=a", "run"}) ==
        "unexpected argument \"run\": there are only flags, such as -name=app");
}

TEST_CASE("targets: tags and deployment of each, in both ways of writing a list") {
  const auto targets =
      targets_of({"-name=app", "-service=orders", "-tag=tier=gold,slice=", "-tag", "a=b=c",
                  "-deployment=primary", "-target=service=users,name=web,tag=x=1,tag=y=2"});
  CHECK(targets[0].tags == std::vector<TaskTag>{{"tier", "gold"}, {"slice", ""}, {"a", "b=c"}});
  CHECK(targets[0].primary_deployment_only);
  CHECK(targets[1].tags == std::vector<TaskTag>{{"x", "1"}, {"y", "2"}});
  CHECK_FALSE(targets[1].primary_deployment_only);
}

TEST_CASE("targets: tags and deployments that cannot be") {
  for (const char* tag : {"-tag=", "-tag=gold", "-tag==gold", "-tag=tier=gold,"}) {
    CHECK(error_of({"-name=app", "-service=orders", tag}).find("give a tag's key and value") !=
          std::string::npos);
  }
  CHECK(error_of({"-name=app", "-service=orders", "-deployment=new"}) ==
        "-deployment is \"new\": give all or primary");
  CHECK(error_of({"-name=app", "-family=orders", "-deployment=primary"})
            .find("only a service has deployments") != std::string::npos);
  CHECK(error_of({"-name=app", "-family=orders", "-deployment=all"}) == "(accepted)");
}

TEST_CASE("targets: a Cloud Map service is named by its namespace, and needs no container") {
  const auto targets = targets_of({"-namespace=shop.local", "-service=orders.v2", "-port=80",
                                   "-target=namespace=shop,service=users,cluster=prod,family=u",
                                   "-target=service=ledger,name=db"});
  CHECK(targets[0].namespace_name == "shop.local");
  CHECK(targets[0].service == "orders.v2");
  CHECK(targets[0].name.empty());
  CHECK(targets[0].cluster.empty());
  CHECK(targets[1].cluster == "prod");
  CHECK(targets[1].family == "u");
  CHECK(targets[2].namespace_name.empty());
  CHECK(targets[2].cluster == "default");
}

TEST_CASE("targets: the cluster of the flags is not that of a namespace") {
  const auto targets = targets_of(
      {"-name=app", "-service=orders", "-cluster=prod", "-target=namespace=shop,service=users"});
  CHECK(targets[1].cluster.empty());
}

TEST_CASE("targets: what Cloud Map cannot tell is refused with a namespace") {
  const auto error = [](const char* flag) {
    return error_of({"-namespace=shop", "-service=orders", flag});
  };
  CHECK(error("-name=app") ==
        "-name is \"app\": Cloud Map knows no containers, so remove it with -namespace");
  CHECK(error("-public").find("Cloud Map knows one address") != std::string::npos);
  CHECK(error("-deployment=primary").find("knows no deployments") != std::string::npos);
  CHECK(error("-family=orders:7").find("knows no revisions") != std::string::npos);
  CHECK(error("-service=or/ders").find("a Cloud Map service's name") != std::string::npos);
  CHECK(error("-namespace=").find("give the name of a Cloud Map namespace") != std::string::npos);
  CHECK(error_of({"-namespace=shop"}) ==
        "-service is missing: with -namespace give the Cloud Map service, such as "
        "-service=orders");
}

}  // namespace kite::cli
