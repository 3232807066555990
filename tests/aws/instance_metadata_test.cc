#include "aws/instance_metadata.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "aws/instance_credentials.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"

namespace kite::aws {

namespace {

using testing::FakeHttpClient;

using Variables = sys::Environment::Variables;

struct Harness {
  explicit Harness(Variables variables = {})
      : metadata(plan_instance_metadata(sys::Environment(std::move(variables))).value(), client,
                 clock, log.logger) {}

  std::unique_ptr<Call> get(const char* path) {
    return metadata.get(
        path, [this](sys::Result<http::Response> answer) { answers.push_back(std::move(answer)); });
  }
  /// The header of a request that carries the session token; "-" without one.
  std::string token_of(size_t index) const {
    for (const http::Header& header : client.request(index).headers) {
      if (header.name == "X-aws-ec2-metadata-token") return header.value;
    }
    return "-";
  }
  bool is_put(size_t index) const { return client.request(index).method == http::Method::put; }
  void fail(size_t index, http::Failure failure) {
    client.answer(index, http::RequestError{failure, "as scripted"});
  }

  testing::ManualClock clock;
  testing::KeptLog log{clock};
  FakeHttpClient client;
  InstanceMetadata metadata;
  std::vector<sys::Result<http::Response>> answers;
};

}  // namespace

TEST_CASE("instance metadata: endpoint, mode and switches come from the environment") {
  const auto plan = [](sys::Environment::Variables variables) {
    return plan_instance_metadata(sys::Environment(std::move(variables)));
  };
  CHECK(plan({})->origin == "http://169.254.169.254");
  CHECK_FALSE(plan({})->disabled);
  CHECK(plan({})->v1_allowed);
  CHECK(plan({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}})->origin ==
        "http://[fd00:ec2::254]");
  CHECK(plan({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv4"}})->origin ==
        "http://169.254.169.254");
  CHECK_FALSE(plan({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "v5"}}).ok());
  CHECK(plan({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/"},
              {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}})
            ->origin == "http://127.0.0.1:9");
  CHECK_FALSE(plan({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "127.0.0.1"}}).ok());
  CHECK(plan({{"AWS_EC2_METADATA_DISABLED", "TRUE"}})->disabled);
  CHECK_FALSE(plan({{"AWS_EC2_METADATA_DISABLED", "false"}})->disabled);
  CHECK_FALSE(plan({{"AWS_EC2_METADATA_V1_DISABLED", "true"}})->v1_allowed);
}

TEST_CASE("instance metadata: a token first, kept for the next question until it ends") {
  Harness test;
  auto call = test.get("/a");
  CHECK(test.is_put(0));
  CHECK(test.client.request(0).url == "http://169.254.169.254/latest/api/token");
  CHECK(test.client.request(0).headers.at(0).value == "21600");
  CHECK(test.client.request(0).timeout == std::chrono::milliseconds(1000));
  test.client.answer_ok(0, "tok1", 200, {{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "600"}});
  CHECK(test.client.request(1).url == "http://169.254.169.254/a");
  CHECK(test.token_of(1) == "tok1");
  test.client.answer_ok(1, "value");
  REQUIRE(test.answers.size() == 1);
  CHECK(test.answers[0]->body == "value");

  call = test.get("/b");
  CHECK(test.client.count() == 3);
  CHECK(test.token_of(2) == "tok1");
  test.client.answer_ok(2, "");

  test.clock.advance(std::chrono::seconds(541));  // within a minute of its end
  call = test.get("/c");
  CHECK(test.is_put(3));
}

TEST_CASE("instance metadata: 403, 404, 405 and silence mean version 1") {
  for (const int status : {403, 404, 405, 0}) {
    CAPTURE(status);
    Harness test;
    auto call = test.get("/a");
    if (status == 0) test.fail(0, http::Failure::timeout);
    if (status != 0) test.client.answer_ok(0, "", status);
    REQUIRE(test.client.count() == 2);
    CHECK_FALSE(test.is_put(1));
    CHECK(test.token_of(1) == "-");
    test.client.answer_ok(1, "v1");
    REQUIRE(test.answers.size() == 1);
    CHECK(test.answers[0]->body == "v1");
    // Remembered for the next question, not for ever.
    call = test.get("/b");
    CHECK_FALSE(test.is_put(2));
    test.client.answer_ok(2, "");
    test.clock.advance(std::chrono::seconds(60));
    call = test.get("/c");
    CHECK(test.is_put(3));
  }
}

TEST_CASE("instance metadata: 400, nobody there and nonsense for a token are final") {
  for (const int kind : {0, 1, 2, 3}) {
    CAPTURE(kind);
    Harness test;
    auto call = test.get("/a");
    if (kind == 0) test.client.answer_ok(0, "", 400);
    if (kind == 1) test.fail(0, http::Failure::connect);
    if (kind == 2) test.client.answer_ok(0, "two\nlines");
    if (kind == 3) test.client.answer_ok(0, "", 500);
    CHECK(test.client.count() == 1);
    REQUIRE(test.answers.size() == 1);
    CHECK_FALSE(test.answers[0].ok());
    CHECK(test.answers[0].error().message.find("HttpPutResponseHopLimit") == std::string::npos);
  }
}

TEST_CASE("instance metadata: version 1 can be forbidden") {
  Harness test(Variables{{"AWS_EC2_METADATA_V1_DISABLED", "true"}});
  auto call = test.get("/a");
  test.fail(0, http::Failure::timeout);
  CHECK(test.client.count() == 1);
  REQUIRE(test.answers.size() == 1);
  CHECK(test.answers[0].error().message.find("AWS_EC2_METADATA_V1_DISABLED") != std::string::npos);
  call = test.get("/a");
  CHECK(test.is_put(1));  // not remembered as tokenless
}

TEST_CASE("instance metadata: an unanswered token request and a 401 point to the hop limit") {
  Harness test;
  auto call = test.get("/a");
  test.fail(0, http::Failure::timeout);
  test.client.answer_ok(1, "", 401);
  REQUIRE(test.answers.size() == 1);
  const std::string message = test.answers[0].error().message;
  CHECK(message.find("HttpPutResponseHopLimit") != std::string::npos);
  CHECK(message.find("taskRoleArn") != std::string::npos);
  CHECK(test.log.count("HttpPutResponseHopLimit") == 1);
  call = test.get("/a");
  CHECK(test.is_put(2));  // the 401 says that version 1 does not work either
  test.fail(2, http::Failure::timeout);
  CHECK(test.log.count("HttpPutResponseHopLimit") == 1);  // said once
}

TEST_CASE("instance metadata: a 401 for an old token fetches a new one, once") {
  Harness test;
  auto call = test.get("/a");
  test.client.answer_ok(0, "old");
  test.client.answer_ok(1, "", 401);
  CHECK(test.is_put(2));
  test.client.answer_ok(2, "new");
  CHECK(test.token_of(3) == "new");
  test.client.answer_ok(3, "", 401);
  CHECK(test.client.count() == 4);
  REQUIRE(test.answers.size() == 1);
  CHECK_FALSE(test.answers[0].ok());
}

TEST_CASE("instance metadata: switched off means that nothing is sent") {
  Harness test(Variables{{"AWS_EC2_METADATA_DISABLED", "true"}});
  auto call = test.get("/a");
  CHECK(test.answers.empty());
  test.client.answer(0, http::RequestError{http::Failure::bad_url, ""});
  CHECK(test.client.request(0).url.empty());
  REQUIRE(test.answers.size() == 1);
  CHECK(test.answers[0].error().message.find("AWS_EC2_METADATA_DISABLED") != std::string::npos);
}

TEST_CASE("instance metadata: a slow answer is asked for twice") {
  Harness test;
  auto call = test.get("/a");
  test.client.answer_ok(0, "tok");
  test.fail(1, http::Failure::timeout);
  REQUIRE(test.client.count() == 3);
  CHECK(test.token_of(2) == "tok");
  test.fail(2, http::Failure::timeout);
  CHECK(test.client.count() == 3);
  CHECK(test.answers.size() == 1);
}

TEST_CASE("instance credentials: role list, then the role's keys") {
  Harness test;
  InstanceCredentials provider(test.metadata);
  std::optional<sys::Result<Credentials>> result;
  const auto keep = [&](sys::Result<Credentials> got) { result.emplace(std::move(got)); };
  auto call = provider.fetch(keep);
  test.client.answer_ok(0, "tok");
  CHECK(test.client.request(1).url.ends_with("/latest/meta-data/iam/security-credentials/"));
  test.client.answer_ok(1, "my-role\nother");
  CHECK(test.client.request(2).url.ends_with("/security-credentials/my-role"));
  test.client.answer_ok(2, R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"S",)"
                           R"("Token":"T","Expiration":"2026-01-02T09:04:05Z"})");
  REQUIRE(result.has_value());
  REQUIRE(result->ok());
  CHECK(result->value().access_key_id == "A");
  CHECK(provider.keeps_expired());

  call = provider.fetch(keep);
  test.client.answer_ok(3, "", 404);
  CHECK(result->error().message.find("has no role") != std::string::npos);
  call = provider.fetch(keep);
  test.client.answer_ok(4, "role");
  test.client.answer_ok(5, R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"m"})");
  CHECK(result->error().message.find("AssumeRoleUnauthorizedAccess") != std::string::npos);
  call = provider.fetch(keep);
  test.client.answer_ok(6, "role");
  test.client.answer_ok(7, "", 404);
  CHECK(result->error().message.find("vanished") != std::string::npos);
}

TEST_CASE("instance credentials: a role name that cannot be in a path is refused") {
  CHECK(*parse_role_list("a+b=c,d.e@f-g_h") == "a+b=c,d.e@f-g_h");
  CHECK(*parse_role_list("first\r\nsecond") == "first");
  for (const std::string& body :
       {std::string(), std::string("\nrole"), std::string("../x"), std::string("a/b"),
        std::string("a b"), std::string("<html>"), std::string(65, 'r')}) {
    CHECK_FALSE(parse_role_list(body).ok());
  }
}

}  // namespace kite::aws
