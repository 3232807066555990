#include "aws/settings.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "app/capabilities.h"
#include "aws/endpoints.h"
#include "aws/instance_metadata.h"
#include "aws/region.h"
#include "aws/shared_files.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/temporary_file.h"

namespace kite::aws {
namespace {

using Variables = sys::Environment::Variables;

/// The settings that a config file with this text gives, below these variables.
Settings with_config(std::string_view text, Variables variables = {}) {
  const testing::TemporaryFile file(text);
  variables.emplace("AWS_CONFIG_FILE", file.path());
  variables.emplace("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
  const auto settings = Settings::read(sys::Environment(std::move(variables)));
  if (!settings.ok()) FAIL(settings.error().message);
  return *settings;
}

std::string host(Service service, const Settings& settings) {
  const auto endpoint = resolve_endpoint(service, "eu-west-1", "", settings);
  return endpoint.ok() ? endpoint->host : endpoint.error().message;
}

std::string problem(Variables variables) {
  const auto settings = Settings::read(sys::Environment(std::move(variables)));
  return settings.ok() ? "" : settings.error().message;
}

}  // namespace

TEST_CASE("shared files: variables, home and profile say where to look") {
  const auto locate = [](Variables variables) {
    return locate_shared_files(sys::Environment(std::move(variables)));
  };
  const SharedFiles usual = locate({{"HOME", "/home/k"}});
  CHECK(usual.config.path == "/home/k/.aws/config");
  CHECK(usual.credentials.path == "/home/k/.aws/credentials");
  CHECK(usual.profile == "default");
  CHECK(usual.profile_variable.empty());
  CHECK(locate({}).config.path.empty());
  const SharedFiles named = locate({{"HOME", "/home/k"},
                                    {"AWS_CONFIG_FILE", "~/c"},
                                    {"AWS_SHARED_CREDENTIALS_FILE", "/d"},
                                    {"AWS_PROFILE", "p"},
                                    {"AWS_DEFAULT_PROFILE", "q"}});
  CHECK(named.config.path == "/home/k/c");
  CHECK(named.credentials.path == "/d");
  CHECK(named.profile == "p");
  CHECK(locate({{"AWS_PROFILE", ""}, {"AWS_DEFAULT_PROFILE", "q"}}).profile == "q");
}

TEST_CASE("shared files: absent ones are empty, a chosen profile must be there") {
  CHECK(problem({}).empty());
  CHECK(problem({{"AWS_CONFIG_FILE", "/nonexistent"}, {"HOME", "/nonexistent"}}).empty());
  CHECK(problem({{"AWS_PROFILE", "p"}, {"HOME", "/nonexistent"}}) ==
        "AWS_PROFILE names the profile \"p\", which is neither in /nonexistent/.aws/config nor in "
        "/nonexistent/.aws/credentials");
  CHECK(problem({{"AWS_DEFAULT_PROFILE", "p"}}) ==
        "AWS_DEFAULT_PROFILE names the profile \"p\", which is neither in any file (HOME is not "
        "set)");
  CHECK(problem({{"AWS_CONFIG_FILE", "/"}}) == "cannot read /: Is a directory (AWS_CONFIG_FILE)");
  const testing::TemporaryFile broken("[default]\nwhat\n");
  CHECK(problem({{"AWS_SHARED_CREDENTIALS_FILE", broken.path()}}) ==
        "line 2 of " + broken.path() + " is not 'key = value'");
}

TEST_CASE("shared files: one that is there and cannot be read is an error that says what to do") {
  const app::OrdinaryReader reader;  // or root could read all
  const testing::ScratchFolder home;
  const std::string folder = home.path(".aws");
  REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  const std::string config = folder + "/config";
  REQUIRE(::close(::open(config.c_str(), O_CREAT | O_WRONLY, 0)) == 0);
  const std::string remedy =
      "; make it readable for the user that the kite runs as (root counts as any other, without "
      "its capabilities), or name another file in ";
  const Variables usual{{"HOME", home.path("")}};
  CHECK(problem(usual) == "cannot read " + home.path("") + "/.aws/config: Permission denied" +
                              remedy + "AWS_CONFIG_FILE");
  CHECK(problem({{"AWS_SHARED_CREDENTIALS_FILE", config}}) ==
        "cannot read " + config + ": Permission denied (AWS_SHARED_CREDENTIALS_FILE)" + remedy +
            "AWS_SHARED_CREDENTIALS_FILE");
  const auto is_error = [&](const std::string& path, mode_t mode) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const bool error = !problem(usual).empty();
    REQUIRE(::chmod(path.c_str(), 0700) == 0);
    return error;
  };
  CHECK(is_error(folder, 0));  // it is there, whatever is in it
  CHECK_FALSE(is_error(config, 0600));
  CHECK_FALSE(is_error(home.path(""), 0));  // another's home
}

TEST_CASE("shared files: a profile may be in a named file while home is another's") {
  const app::OrdinaryReader reader;
  const testing::ScratchFolder home;
  const testing::TemporaryFile config("[profile p]\nregion=a\n");
  REQUIRE(::chmod(home.path("").c_str(), 0) == 0);
  CHECK(
      problem({{"HOME", home.path("x")}, {"AWS_PROFILE", "p"}, {"AWS_CONFIG_FILE", config.path()}})
          .empty());
  CHECK(problem({{"HOME", home.path("x")}, {"AWS_PROFILE", "p"}})
            .ends_with("/.aws/credentials (permission denied)"));
  CHECK(::chmod(home.path("").c_str(), 0700) == 0);
}

TEST_CASE("settings: a variable outranks the profile's key, set to nothing it does not") {
  const Settings settings = with_config("[default]\nregion=file\nca_bundle=/ca\nempty=\n",
                                        {{"AWS_REGION", "variable"}, {"AWS_CA_BUNDLE", ""}});
  CHECK(settings.get("AWS_REGION", "region")->text == "variable");
  CHECK(settings.get("AWS_REGION", "region")->origin == "AWS_REGION");
  CHECK(settings.get("AWS_CA_BUNDLE", "ca_bundle")->text == "/ca");
  CHECK(settings.get("AWS_CA_BUNDLE", "ca_bundle")->origin == "ca_bundle of the profile default");
  CHECK_FALSE(settings.get("X", "empty").has_value());
  CHECK_FALSE(settings.get("X", "absent").has_value());
  CHECK_FALSE(settings.get("", "").has_value());
}

TEST_CASE("settings: the region of the profile comes after both variables") {
  const auto region = [](Variables variables) {
    const auto found =
        configured_region("", with_config("[default]\nregion=eu-west-3\n", variables));
    return found.ok() ? (*found)->name + " " + (*found)->source : found.error().message;
  };
  CHECK(region({}) == "eu-west-3 region of the profile default");
  CHECK(region({{"AWS_DEFAULT_REGION", "us-east-1"}}) == "us-east-1 AWS_DEFAULT_REGION");
  const auto broken = configured_region("", with_config("[default]\nregion=EU\n"));
  CHECK(broken.error().message ==
        "region of the profile default is not a region; regions look like eu-west-1");
}

TEST_CASE("settings: endpoints of the profile, its services before itself, variables before both") {
  const char* text =
      "[default]\nservices=s\nendpoint_url=http://all\n"
      "[services s]\necs=\n  endpoint_url=http://own\n";
  CHECK(host(Service::ecs, with_config(text)) == "own");
  CHECK(host(Service::ec2, with_config(text)) == "all");
  CHECK(host(Service::sts, with_config(text)) == "all");
  CHECK(host(Service::ecs, with_config(text, {{"AWS_ENDPOINT_URL", "http://v"}})) == "v");
  CHECK(host(Service::sts, with_config(text, {{"AWS_ENDPOINT_URL_STS", "http://w"}})) == "w");
  CHECK(host(Service::ecs, with_config(text, {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}})) ==
        "ecs.eu-west-1.amazonaws.com");
  CHECK(host(Service::ecs,
             with_config(
                 "[default]\nendpoint_url=http://x\nignore_configured_endpoint_urls=TRUE\n")) ==
        "ecs.eu-west-1.amazonaws.com");
  CHECK(host(Service::ecs, with_config("[default]\nendpoint_url=nonsense\n")) ==
        "endpoint_url of the profile default is not a usable endpoint URL: it does not begin with "
        "http:// or https://");
  const testing::TemporaryFile dangling("[default]\nservices=gone\n");
  CHECK(problem({{"AWS_CONFIG_FILE", dangling.path()}})
            .starts_with("the profile default names the section [services gone]"));
}

TEST_CASE("settings: FIPS and dual-stack from the profile, and a variable that switches them off") {
  const char* text = "[default]\nuse_fips_endpoint=true\nuse_dualstack_endpoint=True\n";
  CHECK(host(Service::sts, with_config(text)) == "sts-fips.eu-west-1.api.aws");
  CHECK(host(Service::sts, with_config(text, {{"AWS_USE_FIPS_ENDPOINT", "false"}})) ==
        "sts.eu-west-1.api.aws");
}

TEST_CASE("settings: the instance metadata service of the profile") {
  const auto plan = plan_instance_metadata(with_config(
      "[default]\nec2_metadata_service_endpoint_mode=ipv6\nec2_metadata_v1_disabled=true\n"));
  REQUIRE(plan.ok());
  CHECK(plan->origin == "http://[fd00:ec2::254]");
  CHECK_FALSE(plan->v1_allowed);
  CHECK(plan_instance_metadata(with_config("[default]\nec2_metadata_service_endpoint=x\n"))
            .error()
            .message ==
        "ec2_metadata_service_endpoint of the profile default must be an http or "
        "https URL");
}

TEST_CASE("settings: another profile counts when it is chosen") {
  const Settings settings =
      with_config("[default]\nregion=a\n[profile p]\nregion=b\n", {{"AWS_PROFILE", "p"}});
  CHECK(settings.get("", "region")->text == "b");
  CHECK(settings.get("", "region")->origin == "region of the profile p");
}

}  // namespace kite::aws
