#include "aws/sts_wire.h"

#include <doctest/doctest.h>

#include <string>

#include "aws/timestamp.h"

namespace kite::aws {
namespace {

const RoleOrder kRole = {"arn:aws:iam::111122223333:role/path/kite", "kite@1", "a/b:c", 900};

std::string answer(const std::string& action, const std::string& credentials) {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><AssumedRoleUser><Arn>x</Arn></AssumedRoleUser><Credentials>" + credentials +
         "</Credentials></" + action + "Result></" + action + "Response>";
}

const std::string kKeys =
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s/+1</SecretAccessKey>"
    "<SessionToken>t==</SessionToken>";
const std::string kEnd = "<Expiration>2026-01-02T04:04:05Z</Expiration>";

std::string problem(const std::string& body) {
  const auto credentials = parse_assumed_role(kAssumeRole, body);
  return credentials.ok() ? "" : credentials.error().message;
}

}  // namespace

TEST_CASE("sts: the forms of both calls") {
  CHECK(assume_role_body(kRole) ==
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2F"
        "path%2Fkite&RoleSessionName=kite%401&DurationSeconds=900&ExternalId=a%2Fb%3Ac");
  CHECK(assume_role_with_web_identity_body({"arn", "me", "", 0}, Secret("a.b+c=")) ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn&RoleSessionName=me"
        "&WebIdentityToken=a.b%2Bc%3D");
}

TEST_CASE("sts: the answers of both calls") {
  for (const char* action : {kAssumeRole, kAssumeRoleWithWebIdentity}) {
    const auto credentials = parse_assumed_role(action, answer(action, kKeys + kEnd));
    REQUIRE(credentials.ok());
    CHECK(credentials->access_key_id == "ASIA1");
    CHECK(credentials->secret_access_key.reveal() == "s/+1");
    CHECK(credentials->session_token.reveal() == "t==");
    CHECK(amz_timestamp(credentials->expiry.value()) == "20260102T040405Z");
  }
}

TEST_CASE("sts: an answer that lacks a part, or is another's, gives no keys") {
  CHECK(problem(answer(kAssumeRole, kEnd)) == "the answer has no complete set of keys");
  CHECK(problem(answer(kAssumeRoleWithWebIdentity, kKeys + kEnd)) ==
        "the answer has no complete set of keys");
  CHECK(problem(answer(kAssumeRole, kKeys)) == "the answer has no Expiration that is a time");
  CHECK(problem(answer(kAssumeRole, kKeys + "<Expiration>soon</Expiration>")) ==
        "the answer has no Expiration that is a time");
  CHECK_FALSE(problem("<html>").empty());
  const std::string broken = problem(answer(kAssumeRole,
                                            "<AccessKeyId>A</AccessKeyId><SecretAccessKey>hid den"
                                            "</SecretAccessKey><SessionToken>t</SessionToken>" +
                                                kEnd));
  CHECK(broken.find("blank") != std::string::npos);
  CHECK(broken.find("hid") == std::string::npos);
}

TEST_CASE("sts: what STS would refuse is told before it is asked") {
  CHECK(unusable_part(kRole).empty());
  CHECK(unusable_part({"arn:aws-us-gov:iam::111122223333:role/r", "ab", "", 0}).empty());
  for (const char* arn : {"", "r", "arn:aws:iam::111122223333:user/u", "arn:aws:iam::1:role/a b",
                          "arn:aws:sts::111122223333:assumed-role/r/s"}) {
    CAPTURE(arn);
    CHECK(unusable_part({arn, "me", "", 0}).find("ARN") != std::string::npos);
  }
  for (const std::string& name : {std::string("a"), std::string("a b"), std::string(65, 'a')}) {
    CHECK(unusable_part({kRole.arn, name, "", 0}).find("session name") != std::string::npos);
  }
  for (const std::string& id : {std::string("a"), std::string("a b"), std::string(1225, 'a')}) {
    CHECK(unusable_part({kRole.arn, "me", id, 0}).find("external id") != std::string::npos);
  }
}

}  // namespace kite::aws
