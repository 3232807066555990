#include "aws/credentials_document.h"

#include <doctest/doctest.h>

#include <string>

#include "aws/timestamp.h"

namespace kite::aws {

namespace {

std::string error_of(std::string_view body) {
  const sys::Result<Credentials> result = parse_credentials_document(body, "the fake");
  return result.ok() ? "" : result.error().message;
}

}  // namespace

TEST_CASE("credentials document: token and expiration may be missing or null") {
  for (const char* body : {R"({"AccessKeyId":"A","SecretAccessKey":"S"})",
                           R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"S",)"
                           R"("Token":null,"Expiration":null})"}) {
    const sys::Result<Credentials> result = parse_credentials_document(body, "the fake");
    REQUIRE(result.ok());
    CHECK(result->session_token.empty());
    CHECK_FALSE(result->expiry.has_value());
  }
}

TEST_CASE("credentials document: the expiration is read") {
  const sys::Result<Credentials> result = parse_credentials_document(
      R"({"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"2026-01-02T09:04:05Z"})", "x");
  REQUIRE(result.ok());
  CHECK(result->expiry == parse_iso_timestamp("2026-01-02T09:04:05Z"));
  CHECK(result->expiry.has_value());
}

TEST_CASE("credentials document: what is not one is an error that quotes no secret") {
  CHECK(error_of("<html>no</html>").find("JSON") != std::string::npos);
  CHECK(error_of("").find("JSON") != std::string::npos);
  CHECK(error_of("[]").find("JSON") != std::string::npos);
  CHECK(error_of("{}").find("AccessKeyId") != std::string::npos);
  CHECK(error_of(R"({"AccessKeyId":"A","SecretAccessKey":7})").find("SecretAccessKey") !=
        std::string::npos);
  CHECK(error_of(R"({"AccessKeyId":"","SecretAccessKey":"S"})").find("without AccessKeyId") !=
        std::string::npos);
  CHECK(error_of(R"({"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"soon"})")
            .find("Expiration") != std::string::npos);
  CHECK(
      error_of(R"({"AccessKeyId":"A","SecretAccessKey":"S","Expiration":12})").find("Expiration") !=
      std::string::npos);
}

TEST_CASE("credentials document: a Code other than Success speaks for itself") {
  const std::string error =
      error_of(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot\nassume the role",)"
               R"("AccessKeyId":"A","SecretAccessKey":"S"})");
  CHECK(error ==
        "the fake has no credentials: AssumeRoleUnauthorizedAccess EC2 cannot?assume the "
        "role");
}

TEST_CASE("credentials document: parts that would break a header line are refused unquoted") {
  for (const char* body : {R"({"AccessKeyId":"A\r\nX: y","SecretAccessKey":"S"})",
                           R"({"AccessKeyId":"A/B","SecretAccessKey":"S"})",
                           R"({"AccessKeyId":"A","SecretAccessKey":"se cret"})",
                           R"({"AccessKeyId":"A","SecretAccessKey":"S","Token":"t\nX: y"})"}) {
    const std::string error = error_of(body);
    CAPTURE(error);
    CHECK(error.find("unusable credentials") != std::string::npos);
    CHECK(error.find("X: y") == std::string::npos);
    CHECK(error.find("se cret") == std::string::npos);
  }
}

}  // namespace kite::aws
