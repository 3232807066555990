#include "cli/flags.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace kite::cli {

namespace {

using Args = std::vector<std::string>;

sys::Result<RawFlags> read(const Args& args, sys::Environment::Variables variables = {}) {
  return read_flags(args, sys::Environment(std::move(variables)));
}

std::string error_of(const Args& args, sys::Environment::Variables variables = {}) {
  const auto raw = read(args, std::move(variables));
  return raw.ok() ? "(accepted)" : raw.error().message;
}

std::vector<std::string> texts(const RawFlags& raw, FlagId id) {
  std::vector<std::string> result;
  for (const RawValue& value : raw.all(id)) result.push_back(value.text);
  return result;
}

}  // namespace

TEST_CASE("flags: the three forms of a value mean the same") {
  for (const Args& args :
       {Args{"-name=app"}, Args{"--name=app"}, Args{"-name", "app"}, Args{"--name", "app"}}) {
    CAPTURE(args[0]);
    const auto raw = read(args);
    REQUIRE(raw.ok());
    REQUIRE(raw->has(FlagId::name));
    CHECK(raw->last(FlagId::name)->text == "app");
    CHECK(raw->last(FlagId::name)->origin == "-name");
  }
}

TEST_CASE("flags: a value may be empty, hold '=' or start with a dash") {
  CHECK(read({"-name="})->last(FlagId::name)->text.empty());
  CHECK(read({"-name", ""})->last(FlagId::name)->text.empty());
  CHECK(read({"-name=a=b"})->last(FlagId::name)->text == "a=b");
  CHECK(read({"-name", "-service=x"})->last(FlagId::name)->text == "-service=x");
  CHECK_FALSE(read({"-name", "-service=x"})->has(FlagId::service));
}

TEST_CASE("flags: booleans take every spelling of Go, and only after '='") {
  for (const std::string yes : {"-public", "--public", "-public=true", "-public=1", "-public=t",
                                "-public=T", "-public=TRUE", "-public=True"}) {
    CAPTURE(yes);
    const auto raw = read({yes});
    REQUIRE(raw.ok());
    CHECK(raw->is_true(FlagId::public_addresses));
  }
  for (const std::string no :
       {"-public=false", "-public=0", "-public=f", "-public=F", "-public=FALSE", "-public=False"}) {
    CAPTURE(no);
    const auto raw = read({no});
    REQUIRE(raw.ok());
    CHECK(raw->has(FlagId::public_addresses));
    CHECK_FALSE(raw->is_true(FlagId::public_addresses));
  }
  CHECK(error_of({"-public=yes"}) ==
        "-public is \"yes\": write true or false (also 1, 0, t, f), such as -public=true");
  CHECK(error_of({"-public="}) ==
        "-public is \"\": write true or false (also 1, 0, t, f), such as -public=true");
  CHECK(error_of({"-public", "false"}) ==
        "unexpected argument \"false\": -public takes its value after '=', so write -public=false");
}

TEST_CASE("flags: the last of several counts, a list keeps all in order") {
  const auto raw = read({"-name=a", "-port=1", "-name=b", "-port", "2,3", "-port=4"});
  REQUIRE(raw.ok());
  CHECK(raw->last(FlagId::name)->text == "b");
  CHECK(texts(raw.value(), FlagId::port) == std::vector<std::string>{"1", "2,3", "4"});
}

TEST_CASE("flags: what is no flag is refused") {
  CHECK(error_of({"list"}) ==
        "unexpected argument \"list\": there are only flags, such as -name=app");
  CHECK(error_of({"-name=a", "--", "-port=1"}) ==
        "unexpected argument \"--\": there are only flags, such as -name=app");
  CHECK(error_of({"-"}) == "unexpected argument \"-\": there are only flags, such as -name=app");
  CHECK(error_of({""}) == "unexpected argument \"\": there are only flags, such as -name=app");
  CHECK(error_of({"-name=a", "false"}) ==
        "unexpected argument \"false\": there are only flags, such as -name=app");
  CHECK(error_of({"---name=a"}) == "bad flag syntax \"---name=a\": write -flag=value");
  CHECK(error_of({"-=a"}) == "bad flag syntax \"-=a\": write -flag=value");
  CHECK(error_of({"--=a"}) == "bad flag syntax \"--=a\": write -flag=value");
}

TEST_CASE("flags: a flag at the end without its value is told how to get one") {
  CHECK(error_of({"-name"}) == "-name needs a value: write -name=<container>");
  CHECK(error_of({"-public", "--port"}) == "-port needs a value: write -port=<[listen:]container>");
}

TEST_CASE("flags: a slip is answered with the flag that was meant") {
  struct Row {
    std::string given;
    std::string meant;
  };
  for (const Row& row :
       {Row{"-servce", "-service"}, Row{"-serivce=x", "-service"}, Row{"-prot", "-port"},
        Row{"-ports=80", "-port"}, Row{"-log-level=info", "-loglevel"},
        Row{"-logformat=json", "-log-format"}, Row{"-NAME=app", "-name"},
        Row{"-connect_timeout=1s", "-connect-timeout"}, Row{"-endpoint-ec3=x", "-endpoint-ecs"},
        Row{"-retrys=3", "-retries"}, Row{"-conect-deadline", "-connect-deadline"}, Row{"-v", ""},
        Row{"-daemonize=1", ""}, Row{"-threads=4", ""}}) {
    CAPTURE(row.given);
    const std::string& given = row.given;
    std::string expected = "unknown flag \"" + given.substr(0, given.find('=')) + "\"";
    expected += !row.meant.empty() ? "; did you mean " + row.meant + "?"
                                   : ": remove it, or check its spelling";
    CHECK(error_of({given}) == expected);
  }
  CHECK(error_of({"-" + std::string(100000, 'n')}).size() < 200);
}

TEST_CASE("flags: -help and -version end the reading") {
  for (const std::string help : {"-help", "--help", "-h", "--h", "-help=true"}) {
    CAPTURE(help);
    const auto raw = read({"-name=a", help, "-nonsense"}, {{"KITE_PUBLIC", "maybe"}});
    REQUIRE(raw.ok());
    CHECK(raw->is_true(FlagId::help));
  }
  CHECK(read({"-version", "nonsense"})->is_true(FlagId::version));
  CHECK(error_of({"-nonsense", "-help"}).starts_with("unknown flag"));
  CHECK(error_of({"-help=false", "-nonsense"}).starts_with("unknown flag"));
  CHECK(error_of({"-help=maybe"}).starts_with("-help is \"maybe\""));
}

TEST_CASE("flags: every flag comes from its variable, and the flag wins") {
  for (const FlagSpec& spec : flag_specs()) {
    CAPTURE(spec.name);
    const std::string variable = environment_name(spec);
    const auto raw = read({}, {{variable, "1"}});
    REQUIRE(raw.ok());
    REQUIRE(raw->has(spec.id));
    CHECK(raw->last(spec.id)->text == "1");
    CHECK(raw->last(spec.id)->origin == variable);

    const auto both = read({"-" + std::string(spec.name) + "=0"}, {{variable, "1"}});
    REQUIRE(both.ok());
    REQUIRE(both->all(spec.id).size() == 1);
    CHECK(both->last(spec.id)->text == "0");
  }
  CHECK(environment_name(flag_spec(FlagId::connect_timeout)) == "KITE_CONNECT_TIMEOUT");
  CHECK(environment_name(flag_spec(FlagId::endpoint_ec2)) == "KITE_ENDPOINT_EC2");
  CHECK(environment_name(flag_spec(FlagId::log_level)) == "KITE_LOGLEVEL");
}

TEST_CASE("flags: an empty variable counts as not given, an unknown one is not ours to judge") {
  const auto raw = read({}, {{"KITE_NAME", ""}, {"KITE_PUBLIC", ""}, {"KITE_NO_SUCH", "1s"}});
  REQUIRE(raw.ok());
  for (const FlagSpec& spec : flag_specs()) CHECK_FALSE(raw->has(spec.id));
}

TEST_CASE("flags: a bad boolean in a variable is blamed on the variable") {
  CHECK(error_of({}, {{"KITE_PUBLIC", "yes"}}) ==
        "KITE_PUBLIC is \"yes\": write true or false (also 1, 0, t, f), such as KITE_PUBLIC=true");
}

TEST_CASE("flags: the table is fit for parsing and for people") {
  std::set<std::string_view> names;
  for (const FlagSpec& spec : flag_specs()) {
    CAPTURE(spec.name);
    CHECK(names.insert(spec.name).second);
    CHECK(&flag_spec(spec.id) == &spec);
    CHECK_FALSE(spec.name.empty());
    CHECK(spec.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string_view::npos);
    CHECK(spec.help.ends_with('.'));
    CHECK(spec.help.find('\n') == std::string_view::npos);
  }
  CHECK(names.size() == kFlagCount);
}

TEST_CASE("flags: quoted texts cannot steer a terminal and stay short") {
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("a b") == "\"a b\"");
  CHECK(quoted("a\x1b[2J\n\xff") == "\"a?[2J??\"");
  CHECK(quoted(std::string(80, 'x')) == "\"" + std::string(80, 'x') + "\"");
  CHECK(quoted(std::string(81, 'x')) == "\"" + std::string(80, 'x') + "...\"");
}

}  // namespace kite::cli
