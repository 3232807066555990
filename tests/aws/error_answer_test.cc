#include "aws/error_answer.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

http::Response response(int status, std::string body, std::vector<http::Header> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

ErrorAnswer json(std::string body, std::vector<http::Header> headers = {}) {
  return read_error_answer(WireFormat::json, response(400, std::move(body), std::move(headers)));
}

ErrorAnswer xml(std::string body, std::vector<http::Header> headers = {}) {
  return read_error_answer(WireFormat::xml, response(400, std::move(body), std::move(headers)));
}

ErrorClass classify(std::string_view code, int status) {
  return classify_error("ecs:ListTasks", code, status);
}

std::string explain(ErrorClass error_class, std::string code, int status, std::string_view reason) {
  CallError error;
  error.error_class = error_class;
  error.operation = "ecs:ListTasks";
  error.code = std::move(code);
  error.http_status = status;
  return explain_error(error, reason);
}

}  // namespace

TEST_CASE("error_answer: ECS writes its code in several forms") {
  const ErrorAnswer bare = json(R"({"__type":"ClusterNotFoundException","message":"No."})",
                                {{"x-amzn-requestid", "id-1"}});
  CHECK(bare.code == "ClusterNotFoundException");
  CHECK(bare.message == "No.");
  CHECK(bare.request_id == "id-1");
  CHECK(json(R"({"__type":"com.amazon.coral.service#InvalidSignatureException"})").code ==
        "InvalidSignatureException");
  CHECK(json(R"({"__type":"a.b#ThrottlingException:http://internal.amazon.com/#x"})").code ==
        "ThrottlingException");
  CHECK(json(R"({"__type":"X","Message":"big M"})").message == "big M");
  CHECK(json("{}", {{"X-Amzn-Errortype", "AccessDeniedException:http://x/"}}).code ==
        "AccessDeniedException");
}

TEST_CASE("error_answer: EC2 and the query services have a shape each") {
  const ErrorAnswer ec2 =
      xml("<?xml version='1.0'?><Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"
          "<Message>The instance ID 'i-0a' does not exist</Message></Error></Errors>"
          "<RequestID>5c2d</RequestID></Response>");
  CHECK(ec2.code == "InvalidInstanceID.NotFound");
  CHECK(ec2.message == "The instance ID 'i-0a' does not exist");
  CHECK(ec2.request_id == "5c2d");
  const ErrorAnswer sts =
      xml("<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
          "<Message>old</Message></Error><RequestId>7</RequestId></ErrorResponse>");
  CHECK(sts.code == "ExpiredTokenException");
  CHECK(sts.request_id == "7");
}

TEST_CASE("error_answer: a foreign body has no code") {
  for (const char* body : {"", "<html><body>502</body></html>", "not json", "[]", "null",
                           R"({"__type":7})", R"({"__type":null})", R"({"__type":"a b<script>"})",
                           "<Response><Errors><Error><Code>Cut", "<!DOCTYPE x><Response/>"}) {
    CAPTURE(body);
    CHECK(json(body).code.empty());
    CHECK(xml(body).code.empty());
  }
  CHECK(json(R"({"__type":")" + std::string(500, 'a') + "\"}").code.empty());
}

TEST_CASE("error_answer: each documented code has its class, whatever the status") {
  using enum ErrorClass;
  const auto expect = [](ErrorClass expected, std::initializer_list<const char*> codes) {
    for (const char* code : codes) {
      CAPTURE(code);
      CHECK(classify(code, 400) == expected);
      CHECK(classify(code, 503) == expected);
    }
  };
  expect(throttled, {"ThrottlingException", "RequestLimitExceeded", "Throttling",
                     "ThrottledException", "RequestThrottled", "RequestThrottledException",
                     "TooManyRequestsException", "EC2ThrottledException", "SlowDown",
                     "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
                     "ProvisionedThroughputExceededException", "TransactionInProgressException"});
  expect(transient, {"RequestTimeout", "RequestTimeoutException", "ServerException",
                     "InternalFailure", "InternalError", "ServiceUnavailable", "Unavailable"});
  expect(expired_credentials, {"ExpiredTokenException", "ExpiredToken", "RequestExpired"});
  expect(bad_credentials, {"UnrecognizedClientException", "InvalidClientTokenId",
                           "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"});
  expect(denied, {"AccessDeniedException", "UnauthorizedOperation"});
  expect(not_found,
         {"ClusterNotFoundException", "ServiceNotFoundException", "InvalidInstanceID.NotFound"});
  for (const char* code : {"MissingAuthenticationTokenException", "IncompleteSignatureException",
                           "InvalidParameterException", "ClientException", "FilterLimitExceeded",
                           "InvalidInstanceID.Malformed", "InvalidParameterCombination"}) {
    CAPTURE(code);
    CHECK(classify(code, 400) == invalid_request);
  }
}

TEST_CASE("error_answer: what AWS quotes of the Authorization header is not quoted on") {
  CallError error;
  error.error_class = ErrorClass::invalid_request;
  error.operation = "ecs:ListTasks";
  error.code = "IncompleteSignatureException";
  const std::string text = explain_error(
      error,
      "Authorization header requires 'Date'. Authorization=AWS4-HMAC-SHA256 Credential=AKID, "
      "Signature=f9cd");
  CHECK(text.find("f9cd") == std::string::npos);
  CHECK(text.find("AKID") == std::string::npos);
  CHECK(text.find("IncompleteSignatureException") != std::string::npos);
}

TEST_CASE("error_answer: without a known code the status decides") {
  using enum ErrorClass;
  for (const int status : {500, 502, 503, 504, 599, 408}) CHECK(classify("", status) == transient);
  CHECK(classify("", 429) == throttled);
  CHECK(classify("SomethingNew", 429) == throttled);
  CHECK(classify("SomethingNew", 500) == transient);
  CHECK(classify("SomethingNew", 400) == invalid_request);
  CHECK(classify("", 400) == malformed_answer);
  CHECK(classify("", 404) == malformed_answer);
  CHECK(classify("", 301) == malformed_answer);
  CHECK(classify("", 401) == denied);
  CHECK(classify("", 403) == denied);
}

TEST_CASE("error_answer: an unknown task definition is not a wrong request") {
  CHECK(classify_error("ecs:DescribeTaskDefinition", "ClientException", 400) ==
        ErrorClass::not_found);
  CHECK(classify_error("ecs:ListTasks", "ClientException", 400) == ErrorClass::invalid_request);
}

TEST_CASE("error_answer: sentences name the call, the code and what to do") {
  CHECK(explain(ErrorClass::denied, "AccessDeniedException", 400,
                "User: arn:aws:sts::1:assumed-role/r is not authorized.") ==
        "ecs:ListTasks failed (AccessDeniedException): add ecs:ListTasks to the policy of the task "
        "role; reason: User: arn:aws:sts::1:assumed-role/r is not authorized");
  CHECK(explain(ErrorClass::transient, "", 503, "") == "ecs:ListTasks failed (HTTP 503)");
  CHECK(explain(ErrorClass::transient, "timeout", 0, "ecs.example did not answer") ==
        "ecs:ListTasks failed (timeout): ecs.example did not answer");
  CHECK(explain(ErrorClass::denied, "UnauthorizedOperation", 403,
                "You are not authorized. Encoded authorization failure message: AbCd")
            .find("AbCd") == std::string::npos);
}

TEST_CASE("error_answer: sentences are bounded, clean and never quote a signature's story") {
  const std::string flood = explain(ErrorClass::invalid_request, "X", 400, std::string(9999, 'a'));
  CHECK(flood.size() < 500);
  CHECK(explain(ErrorClass::invalid_request, "X", 400, "a\nlevel=error\x1b[2J\x7f")
            .find_first_of("\n\x1b\x7f") == std::string::npos);
  const std::string refused =
      explain(ErrorClass::bad_credentials, "InvalidSignatureException", 400,
              "The Canonical String should have been 'x-amz-security-token:SECRET'");
  CHECK(refused.find("SECRET") == std::string::npos);
}

TEST_CASE("error_answer: every class has a name of its own") {
  std::string all;
  for (int i = 0; i <= static_cast<int>(ErrorClass::cancelled_by_deadline); ++i) {
    const std::string_view name = error_class_name(static_cast<ErrorClass>(i));
    CHECK_FALSE(name.empty());
    CHECK(all.find("|" + std::string(name) + "|") == std::string::npos);
    all += "|" + std::string(name) + "|";
  }
}

}  // namespace kite::aws
