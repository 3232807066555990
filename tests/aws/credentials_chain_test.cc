#include "aws/credentials_chain.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_random.h"
#include "tests/support/temporary_file.h"

namespace kite::aws {

namespace {

struct Harness {
  /// The chosen provider's name, and what it says at once if it needs no network.
  std::string choose(sys::Environment::Variables variables,
                     const std::optional<RoleOrder>& role = std::nullopt) {
    call.reset();
    provider.reset();
    settings.emplace(sys::Environment(std::move(variables)));
    metadata.emplace(plan_instance_metadata(*settings).value(), client, clock, log.logger);
    provider = choose_credentials(
        {*settings, "eu-west-1", client, *metadata, clock, random, log.logger}, role);
    result.reset();
    call =
        provider->fetch([this](sys::Result<Credentials> got) { result.emplace(std::move(got)); });
    for (size_t i = 0; i < client.count(); ++i) {
      if (client.open(i) && client.request(i).url.empty()) client.answer_ok(i, "");
    }
    return provider->name();
  }
  std::string error() const { return result && !result->ok() ? result->error().message : ""; }
  std::string url() const { return client.request(client.count() - 1).url; }

  testing::ManualClock clock;
  testing::ScriptedRandom random;
  testing::KeptLog log{clock};
  testing::FakeHttpClient client;
  std::optional<Settings> settings;
  std::optional<InstanceMetadata> metadata;
  std::unique_ptr<CredentialsProvider> provider;
  std::unique_ptr<Call> call;
  std::optional<sys::Result<Credentials>> result;
};

const std::string kArn = "arn:aws:iam::111122223333:role/r";
constexpr const char* kFile = "AWS_SHARED_CREDENTIALS_FILE";
constexpr const char* kId = "AWS_ACCESS_KEY_ID";
constexpr const char* kSecret = "AWS_SECRET_ACCESS_KEY";
constexpr const char* kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

}  // namespace

TEST_CASE("credentials chain: keys in variables outrank everything") {
  Harness test;
  CHECK(test.choose({{kId, "A"},
                     {kSecret, "S"},
                     {"AWS_SESSION_TOKEN", "T"},
                     {"AWS_PROFILE", "p"},
                     {"AWS_WEB_IDENTITY_TOKEN_FILE", "/x"},
                     {kRelative, "/r"}}) == "environment variables");
  REQUIRE(test.result.has_value());
  REQUIRE(test.result->ok());
  CHECK(test.result->value().access_key_id == "A");
  CHECK(test.result->value().session_token.reveal() == "T");
  CHECK_FALSE(test.result->value().expiry.has_value());
  test.choose({{kId, "A"}, {kSecret, "S"}, {"AWS_SECURITY_TOKEN", "old"}});
  CHECK(test.result->value().session_token.reveal() == "old");
}

TEST_CASE("credentials chain: half a key pair and pasted line breaks are mistakes, not absence") {
  Harness test;
  test.choose({{kId, "A"}, {kRelative, "/r"}});
  CHECK(test.error().find("must both be set") != std::string::npos);
  test.choose({{kSecret, "S"}});
  CHECK(test.error().find("must both be set") != std::string::npos);
  test.choose({{kId, "A"}, {kSecret, "hidden\n"}});
  CHECK(test.error().find("line break") != std::string::npos);
  CHECK(test.error().find("hidden") == std::string::npos);
  CHECK(test.choose({{kId, ""}, {kSecret, ""}, {kRelative, "/r"}}) ==
        "container endpoint http://169.254.170.2");
}

TEST_CASE("credentials chain: web identity, then the profile, then the container endpoint") {
  Harness test;
  const testing::TemporaryFile token("token");
  const testing::TemporaryFile file(
      "[default]\naws_access_key_id=F\naws_secret_access_key=S\n[other]\nregion=x\n");
  sys::Environment::Variables variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", token.path()},
                                           {"AWS_ROLE_ARN", kArn},
                                           {kFile, file.path()},
                                           {kRelative, "/r"}};
  CHECK(test.choose(variables) == "web identity for " + kArn);
  CHECK(test.url() == "https://sts.eu-west-1.amazonaws.com/");
  variables["AWS_ROLE_ARN"] = "";
  test.choose(variables);
  CHECK(test.error().find("without AWS_ROLE_ARN") != std::string::npos);
  variables.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  CHECK(test.choose(variables) == "profile default");
  CHECK(test.result->value().access_key_id == "F");
  variables["AWS_PROFILE"] = "other";
  CHECK(test.choose(variables) == "container endpoint http://169.254.170.2");
}

TEST_CASE("credentials chain: a profile that cannot be used is said, not skipped") {
  Harness test;
  const testing::TemporaryFile file("[default]\ncredential_process=/bin/x\n");
  CHECK(test.choose({{kFile, file.path()}, {kRelative, "/r"}}) == "profile default");
  CHECK(test.error().find("credential_process is not supported") != std::string::npos);
  file.write("[default]\nrubbish\n");
  CHECK(test.choose({{kFile, file.path()}, {kRelative, "/r"}}) == "profile default");
  CHECK(test.error().find("line 2") != std::string::npos);
}

TEST_CASE("credentials chain: a role of the profile starts where credential_source says") {
  Harness test;
  const testing::TemporaryFile file("");
  const auto choose = [&](const std::string& source, sys::Environment::Variables variables) {
    file.write("[default]\nrole_arn=" + kArn + "\ncredential_source=" + source + "\n");
    variables.emplace(kFile, file.path());
    return test.choose(std::move(variables));
  };
  choose("EcsContainer", {{kRelative, "/r"}});
  CHECK(test.url() == "http://169.254.170.2/r");
  choose("EcsContainer", {});
  CHECK(test.error().find("the task has no taskRoleArn") != std::string::npos);
  choose("Ec2InstanceMetadata", {{kRelative, "/r"}});
  CHECK(test.url() == "http://169.254.169.254/latest/api/token");
  choose("Environment", {{kRelative, "/r"}});
  CHECK(test.error().find("AWS_SECRET_ACCESS_KEY are not set") != std::string::npos);
}

TEST_CASE("credentials chain: a role is assumed with whatever was found") {
  Harness test;
  const sys::Environment::Variables named = {{"AWS_ROLE_SESSION_NAME", "me"}};
  const auto role = order_role(kArn, "x1", sys::Environment(named));
  REQUIRE(role.has_value());
  CHECK(*role == RoleOrder{kArn, "me", "x1", 0});
  CHECK(order_role(kArn, "", {})->session_name == "ecs-task-kite");
  CHECK_FALSE(order_role("", "x1", {}).has_value());
  CHECK(test.choose({{kId, "A"}, {kSecret, "S"}, {"AWS_ENDPOINT_URL_STS", "http://sts:1"}}, role) ==
        "role " + kArn + ", assumed with the environment variables");
  CHECK(test.url() == "http://sts:1/");
  test.choose({{kId, "A"}, {kSecret, "S"}, {"AWS_ENDPOINT_URL_STS", "nonsense"}}, role);
  CHECK(test.error().find("AWS_ENDPOINT_URL_STS is not a usable") != std::string::npos);
}

TEST_CASE("credentials chain: the container endpoint outranks the instance role") {
  Harness test;
  CHECK(test.choose({{kRelative, "/r"}}) == "container endpoint http://169.254.170.2");
  CHECK(test.client.request(test.client.count() - 1).url == "http://169.254.170.2/r");
  CHECK(test.choose({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/"}}) ==
        "container endpoint");
  CHECK(test.error().find("example.com") != std::string::npos);
}

TEST_CASE("credentials chain: the instance role is last, and nothing is left when it is off") {
  Harness test;
  CHECK(test.choose({}) == "instance role of http://169.254.169.254");
  CHECK(test.choose({{"AWS_EC2_METADATA_DISABLED", "true"}}) == "none");
  CHECK(test.error().find("taskRoleArn") != std::string::npos);
}

}  // namespace kite::aws
