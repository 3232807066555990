#include "aws/credentials_chain.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"

namespace kite::aws {

namespace {

struct Harness {
  /// The chosen provider's name, and what it says at once if it needs no network.
  std::string choose(sys::Environment::Variables variables) {
    const sys::Environment environment(std::move(variables));
    metadata.emplace(plan_instance_metadata(environment).value(), client, clock, log.logger);
    provider = choose_credentials(environment, client, *metadata);
    result.reset();
    call =
        provider->fetch([this](sys::Result<Credentials> got) { result.emplace(std::move(got)); });
    const size_t last = client.count() - 1;
    if (client.request(last).url.empty()) {
      client.answer(last, http::RequestError{http::Failure::bad_url, ""});
    }
    return provider->name();
  }
  std::string error() const { return result && !result->ok() ? result->error().message : ""; }

  testing::ManualClock clock;
  testing::KeptLog log{clock};
  testing::FakeHttpClient client;
  std::optional<InstanceMetadata> metadata;
  std::unique_ptr<CredentialsProvider> provider;
  std::unique_ptr<Call> call;
  std::optional<sys::Result<Credentials>> result;
};

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

TEST_CASE("credentials chain: what this build does not have is said, not skipped") {
  for (const char* variable :
       {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    Harness test;
    test.choose({{variable, "x"}, {kRelative, "/r"}});
    CHECK(test.error().starts_with(std::string(variable) + " is set, but this build"));
  }
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
