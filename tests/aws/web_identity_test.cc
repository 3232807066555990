#include "aws/web_identity.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"
#include "tests/support/temporary_file.h"

namespace kite::aws {
namespace {

const std::string kArn = "arn:aws:iam::111122223333:role/r";

struct Harness {
  void fetch() {
    result.reset();
    call = provider.fetch([this](sys::Result<Credentials> got) { result.emplace(std::move(got)); });
  }
  const http::Request& sent() const { return client.exchanges.back()->request; }
  void answer(int status, const std::string& body) {
    client.answer_ok(client.count() - 1, body, status);
  }
  void refuse(int status, const std::string& code, const std::string& message = "m") {
    answer(status, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" +
                       message + "</Message></Error><RequestId>1</RequestId></ErrorResponse>");
  }
  std::string error() const { return result && !result->ok() ? result->error().message : ""; }

  testing::TemporaryFile file{"token-1\n"};
  testing::FakeHttpClient client;
  WebIdentityCredentials provider{
      client, {{kArn, "me", "", 0}, file.path()}, {"https://sts.example/", "sts.example", "/"}};
  std::unique_ptr<Call> call;
  std::optional<sys::Result<Credentials>> result;
};

constexpr const char* kGood =
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>"
    "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

}  // namespace

TEST_CASE("web identity: the environment orders it") {
  const auto plan = [](sys::Environment::Variables variables) {
    return plan_web_identity(sys::Environment(std::move(variables)));
  };
  CHECK_FALSE(plan({{"AWS_ROLE_ARN", kArn}}).value().has_value());
  const auto order = plan({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}, {"AWS_ROLE_ARN", kArn}});
  REQUIRE(order.ok());
  CHECK(**order == WebIdentityOrder{{kArn, "ecs-task-kite", "", 0}, "/t"});
  CHECK(plan({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}}).error().message.find("AWS_ROLE_ARN") !=
        std::string::npos);
  CHECK(plan({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"},
              {"AWS_ROLE_ARN", kArn},
              {"AWS_ROLE_SESSION_NAME", "no good"}})
            .error()
            .message.find("AWS_ROLE_SESSION_NAME") != std::string::npos);
}

TEST_CASE("web identity: the token is shown unsigned, and read anew for each fetch") {
  Harness test;
  test.fetch();
  CHECK(test.sent().method == http::Method::post);
  CHECK(test.sent().url == "https://sts.example/");
  CHECK(test.sent().body.ends_with("&WebIdentityToken=token-1"));
  for (const http::Header& header : test.sent().headers) CHECK(header.name != "Authorization");
  test.answer(200, kGood);
  REQUIRE(test.result->ok());
  CHECK(test.result->value().access_key_id == "ASIA1");
  test.file.write("token-2");
  test.fetch();
  CHECK(test.sent().body.ends_with("&WebIdentityToken=token-2"));
}

TEST_CASE("web identity: a passing trouble is tried again, whatever its status") {
  Harness test;
  test.fetch();
  test.refuse(400, "IDPCommunicationError");
  test.refuse(400, "Throttling");
  CHECK(test.client.count() == 3);
  test.refuse(503, "ServiceUnavailable");
  CHECK(test.error().find("ServiceUnavailable") != std::string::npos);
}

TEST_CASE("web identity: a refusal says what to do and is not repeated") {
  Harness test;
  test.fetch();
  test.refuse(400, "ExpiredTokenException", "Token expired: current date must be before 1");
  CHECK(test.error() ==
        "sts:AssumeRoleWithWebIdentity failed (ExpiredTokenException): the web identity token has "
        "expired: whoever writes its file must renew it; reason: Token expired: current date must "
        "be before 1");
  for (const char* code : {"InvalidIdentityToken", "IDPRejectedClaim", "AccessDenied"}) {
    test.fetch();
    test.refuse(403, code);
    CHECK(test.error().find("trust policy") != std::string::npos);
  }
  test.fetch();
  test.refuse(403, "RegionDisabledException", "STS is not activated in this region");
  CHECK(test.error().find("STS is not activated in this region") != std::string::npos);
  CHECK(test.client.count() == 5);
}

TEST_CASE("web identity: answers that are none and files without a token are said") {
  Harness test;
  test.fetch();
  test.answer(200, "<html>");
  CHECK(test.error().starts_with("sts:AssumeRoleWithWebIdentity failed: "));
  const auto local = [&] {
    test.fetch();
    test.client.answer_ok(test.client.count() - 1, "");  // the turn it waits for
    return test.error();
  };
  test.file.write(" \n");
  CHECK(local() == "the web identity token file " + test.file.path() + " is empty");
  test.file.write(std::string(20'001, 'x'));
  CHECK(local().find("longer than 20000") != std::string::npos);
}

}  // namespace kite::aws
