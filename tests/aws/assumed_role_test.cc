#include "aws/assumed_role.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

#include "aws/fixed_credentials.h"
#include "aws/profile_credentials.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_random.h"
#include "tests/support/temporary_file.h"

namespace kite::aws {
namespace {

const std::string kArn = "arn:aws:iam::111122223333:role/r";

SignedCaller::Target sts() {
  return {Service::sts, "eu-west-1", {"https://sts.example/", "sts.example", "/"}};
}

std::string keys_answer(const std::string& key_id) {
  return "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" + key_id +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleResult>"
         "</AssumeRoleResponse>";
}

/// Something to fetch from, and the network in the test's hand.
struct Harness {
  AssumedRole::Parts parts() { return {client, clock, random, log.logger}; }
  std::unique_ptr<CredentialsProvider> fixed(const std::string& key_id) {
    return std::make_unique<FixedCredentials>(client, "test's keys",
                                              Credentials{key_id, Secret("secret"), Secret(), {}});
  }
  void fetch(CredentialsProvider& provider) {
    result.reset();
    call = provider.fetch([this](sys::Result<Credentials> got) { result.emplace(std::move(got)); });
    run_turns();
  }
  /// Runs what only waits for its turn; the requests stay.
  void run_turns() {
    for (size_t i = 0; i < client.count(); ++i) {
      if (client.open(i) && client.request(i).url.empty()) client.answer_ok(i, "");
    }
    if (result) call.reset();  // Calls die before their provider
  }
  void answer(int status, const std::string& body) {
    client.answer_ok(client.count() - 1, body, status);
    run_turns();
  }
  void refuse(int status, const std::string& code) {
    answer(status, "<ErrorResponse><Error><Code>" + code +
                       "</Code><Message>not allowed</Message></Error></ErrorResponse>");
  }
  std::string sent_header(std::string_view name) const {
    for (const http::Header& header : client.exchanges.back()->request.headers) {
      if (header.name == name) return header.value;
    }
    return "(absent)";
  }
  std::string error() const { return result && !result->ok() ? result->error().message : ""; }

  testing::ManualClock clock;
  testing::ScriptedRandom random;
  testing::KeptLog log{clock};
  testing::FakeHttpClient client;
  std::unique_ptr<Call> call;
  std::optional<sys::Result<Credentials>> result;
};

}  // namespace

TEST_CASE("assumed role: STS is asked with the base's signature") {
  Harness test;
  AssumedRole role({kArn, "me", "x1", 0}, test.fixed("AKIDBASE"), sts(), test.parts());
  CHECK(role.name() == "role " + kArn + ", assumed with the test's keys");
  test.fetch(role);
  CHECK(test.sent_header("Authorization").find("Credential=AKIDBASE/") != std::string::npos);
  CHECK(test.sent_header("Authorization").find("/eu-west-1/sts/aws4_request") != std::string::npos);
  CHECK(test.client.exchanges.back()->request.body.ends_with("&ExternalId=x1"));
  test.answer(200, keys_answer("ASIAROLE"));
  REQUIRE(test.result->ok());
  CHECK(test.result->value().access_key_id == "ASIAROLE");
  CHECK(test.result->value().expiry.has_value());
}

TEST_CASE("assumed role: one after another") {
  Harness test;
  auto inner = std::make_unique<AssumedRole>(RoleOrder{kArn + "1", "me", "", 0},
                                             test.fixed("AKIDBASE"), sts(), test.parts());
  AssumedRole outer({kArn + "2", "me", "", 0}, std::move(inner), sts(), test.parts());
  test.fetch(outer);
  CHECK(test.client.exchanges.back()->request.body.find("role%2Fr1") != std::string::npos);
  test.answer(200, keys_answer("ASIAONE"));
  CHECK(test.client.exchanges.back()->request.body.find("role%2Fr2") != std::string::npos);
  CHECK(test.sent_header("Authorization").find("Credential=ASIAONE/") != std::string::npos);
  CHECK(test.sent_header("X-Amz-Security-Token") == "t");
  test.answer(200, keys_answer("ASIATWO"));
  CHECK(test.result->value().access_key_id == "ASIATWO");
}

TEST_CASE("assumed role: a refusal names both policies, once") {
  Harness test;
  AssumedRole role({kArn, "me", "", 0}, test.fixed("AKIDBASE"), sts(), test.parts());
  test.fetch(role);
  test.refuse(403, "AccessDenied");
  CHECK(test.error() ==
        "sts:AssumeRole failed (AccessDenied): the policy of the caller must allow sts:AssumeRole "
        "on the role, and the trust policy of the role must allow the caller and its external id; "
        "reason: not allowed");
}

TEST_CASE("profile credentials: what changes in the file counts at the next fetch") {
  Harness test;
  const testing::TemporaryFile file("[default]\naws_access_key_id=A1\naws_secret_access_key=S\n");
  SharedFiles files;
  files.credentials.path = file.path();
  int built = 0;
  ProfileCredentials profile(test.client, files, [&](const ProfilePlan& plan) {
    ++built;
    std::unique_ptr<CredentialsProvider> provider = test.fixed(plan.keys.access_key_id);
    for (const RoleOrder& role : plan.roles) {
      provider = std::make_unique<AssumedRole>(role, std::move(provider), sts(), test.parts());
    }
    return provider;
  });
  CHECK(profile.name() == "profile default");
  test.fetch(profile);
  test.fetch(profile);
  CHECK(test.result->value().access_key_id == "A1");
  CHECK(built == 1);
  file.write("[default]\naws_access_key_id=A2\naws_secret_access_key=S\n");
  test.fetch(profile);
  CHECK(test.result->value().access_key_id == "A2");
  file.write("[default]\nrole_arn=" + kArn +
             "\nsource_profile=default\naws_access_key_id=A3\naws_secret_access_key=S\n");
  test.fetch(profile);
  CHECK(test.sent_header("Authorization").find("Credential=A3/") != std::string::npos);
  test.answer(200, keys_answer("ASIAROLE"));
  CHECK(test.result->value().access_key_id == "ASIAROLE");
  CHECK(built == 3);
  file.write("[default]\n");
  test.fetch(profile);
  CHECK(test.error() == "the profile default has no credentials any more");
  file.write("[default]\nrubbish\n");
  test.fetch(profile);
  CHECK(test.error().find("line 2 of") != std::string::npos);
}

TEST_CASE("profile credentials: a changed plan may be asked for from within the old one's answer") {
  Harness test;
  const std::string role = "[default]\nrole_arn=" + kArn + "\nsource_profile=default\n" +
                           "aws_secret_access_key=S\naws_access_key_id=";
  const testing::TemporaryFile file(role + "A1\n");
  SharedFiles files;
  files.credentials.path = file.path();
  ProfileCredentials profile(test.client, files, [&](const ProfilePlan& plan) {
    return std::make_unique<AssumedRole>(plan.roles.at(0), test.fixed(plan.keys.access_key_id),
                                         sts(), test.parts());
  });
  std::unique_ptr<Call> second;
  std::string second_key;
  auto first = profile.fetch([&](const sys::Result<Credentials>&) {
    file.write(role + "A2\n");
    second = profile.fetch(
        [&](const sys::Result<Credentials>& got) { second_key = got.value().access_key_id; });
  });
  test.run_turns();
  test.answer(200, keys_answer("ASIAONE"));
  first.reset();  // ends after the provider that it came from was replaced
  test.run_turns();
  test.answer(200, keys_answer("ASIATWO"));
  CHECK(second_key == "ASIATWO");
}

}  // namespace kite::aws
