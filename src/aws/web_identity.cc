#include "aws/web_identity.h"

#include <utility>

#include "aws/call_later.h"
#include "aws/error_answer.h"
#include "aws/retried_request.h"
#include "sys/small_file.h"

namespace kite::aws {

namespace {

constexpr const char* kOperation = "sts:AssumeRoleWithWebIdentity";
constexpr size_t kTokenBytesMax = 20'000;  // STS takes no longer one
constexpr size_t kAnswerBytesMax = 64U << 10;
constexpr std::chrono::milliseconds kTimeout{3000};

/// STS answers a passing trouble of the identity provider with 400.
bool may_pass(const http::Response& response) {
  if (response.status / 100 == 2) return false;
  const std::string code = read_error_answer(WireFormat::xml, response).code;
  const ErrorClass error_class = classify_error(kOperation, code, response.status);
  return error_class == ErrorClass::transient || error_class == ErrorClass::throttled;
}

sys::Error refusal(const http::Response& response) {
  const ErrorAnswer answer = read_error_answer(WireFormat::xml, response);
  CallError error;
  error.operation = kOperation;
  error.code = answer.code;
  error.http_status = response.status;
  error.error_class = classify_error(kOperation, answer.code, response.status);
  return {explain_error(error, answer.message)};
}

sys::Result<Credentials> read_answer(const http::Outcome& outcome) {
  const std::string failed = std::string(kOperation) + " failed: ";
  if (!outcome.ok()) return sys::Error{failed + outcome.error().message};
  if (outcome->status / 100 != 2) return refusal(*outcome);
  auto credentials = parse_assumed_role(kAssumeRoleWithWebIdentity, outcome->body);
  if (!credentials.ok()) return sys::Error{failed + credentials.error().message};
  return credentials;
}

}  // namespace

sys::Result<std::optional<WebIdentityOrder>> plan_web_identity(
    const sys::Environment& environment) {
  const auto token_file = environment.get_non_empty("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!token_file) return std::optional<WebIdentityOrder>();
  WebIdentityOrder order;
  order.token_file = *token_file;
  order.role.arn = environment.get_non_empty("AWS_ROLE_ARN").value_or("");
  order.role.session_name =
      environment.get_non_empty("AWS_ROLE_SESSION_NAME").value_or(kRoleSessionName);
  if (order.role.arn.empty()) {
    return sys::Error{
        "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN, the role to assume"};
  }
  if (const std::string problem = unusable_part(order.role); !problem.empty()) {
    return sys::Error{problem + " (AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME)"};
  }
  return std::optional(std::move(order));
}

WebIdentityCredentials::WebIdentityCredentials(http::Client& client, WebIdentityOrder order,
                                               ServiceEndpoint sts)
    : client_(client), order_(std::move(order)), sts_(std::move(sts)) {}

std::string WebIdentityCredentials::name() const {
  return "web identity for " + order_.role.arn;
}

sys::Result<Secret> WebIdentityCredentials::token() const {
  const auto text = sys::read_small_file(order_.token_file, kTokenBytesMax);
  if (!text.ok()) return sys::Error{"no web identity token: " + text.error().message};
  // A line break at the end, which editors and echo leave, is part of no token.
  const size_t end = text->find_last_not_of(" \t\r\n");
  if (end == std::string::npos) {
    return sys::Error{"the web identity token file " + order_.token_file + " is empty"};
  }
  return Secret(text->substr(0, end + 1));
}

std::unique_ptr<Call> WebIdentityCredentials::fetch(OnCredentials on_credentials) {
  const sys::Result<Secret> proof = token();
  if (!proof.ok()) {
    return call_later(client_, [on_credentials = std::move(on_credentials), error = proof.error()] {
      on_credentials(error);
    });
  }
  http::Request request;
  request.method = http::Method::post;
  request.url = sts_.url;
  request.headers = {{"Host", sts_.host}, {"Content-Type", kStsContentType}};
  request.body = assume_role_with_web_identity_body(order_.role, *proof);
  request.timeout = kTimeout;
  request.response_bytes_max = kAnswerBytesMax;
  RetriedRequest::Tries tries;
  tries.may_pass = may_pass;
  return std::make_unique<RetriedRequest>(
      client_, std::move(request), tries,
      [on_credentials = std::move(on_credentials)](const http::Outcome& outcome) {
        on_credentials(read_answer(outcome));
      });
}

}  // namespace kite::aws
