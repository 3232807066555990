#include "aws/error_answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aws/json_value.h"
#include "aws/xml_reader.h"
#include "sys/ascii.h"

namespace kite::aws {
namespace {

constexpr size_t kReasonBytesMax = 300;

struct CodeClass {
  std::string_view code;
  ErrorClass error_class;
};

using enum ErrorClass;
constexpr std::array kCodeClasses = {
    // The throttling list of the SDKs' standard retry mode.
    CodeClass{"BandwidthLimitExceeded", throttled},
    CodeClass{"EC2ThrottledException", throttled},
    CodeClass{"LimitExceededException", throttled},
    CodeClass{"PriorRequestNotComplete", throttled},
    CodeClass{"ProvisionedThroughputExceededException", throttled},
    CodeClass{"RequestLimitExceeded", throttled},
    CodeClass{"RequestThrottled", throttled},
    CodeClass{"RequestThrottledException", throttled},
    CodeClass{"SlowDown", throttled},
    CodeClass{"ThrottledException", throttled},
    CodeClass{"Throttling", throttled},
    CodeClass{"ThrottlingException", throttled},
    CodeClass{"TooManyRequestsException", throttled},
    CodeClass{"TransactionInProgressException", throttled},
    // Its transient list, and the services' own words for the same.
    CodeClass{"IDPCommunicationError", transient},
    CodeClass{"InternalError", transient},
    CodeClass{"InternalFailure", transient},
    CodeClass{"InternalServerError", transient},
    CodeClass{"RequestTimeout", transient},
    CodeClass{"RequestTimeoutException", transient},
    CodeClass{"ServerException", transient},
    CodeClass{"ServiceUnavailable", transient},
    CodeClass{"Unavailable", transient},
    CodeClass{"ExpiredToken", expired_credentials},
    CodeClass{"ExpiredTokenException", expired_credentials},
    CodeClass{"RequestExpired", expired_credentials},  // EC2 says it of session credentials
    CodeClass{"AuthFailure", bad_credentials},
    CodeClass{"InvalidAccessKeyId", bad_credentials},
    CodeClass{"InvalidClientTokenId", bad_credentials},
    CodeClass{"InvalidSignatureException", bad_credentials},
    CodeClass{"SignatureDoesNotMatch", bad_credentials},
    CodeClass{"UnrecognizedClientException", bad_credentials},
    CodeClass{"RequestInTheFuture", clock_skew},
    CodeClass{"RequestTimeTooSkewed", clock_skew},
    CodeClass{"AccessDenied", denied},
    CodeClass{"AccessDeniedException", denied},
    CodeClass{"IDPRejectedClaim", denied},  // of a web identity token, as the next one
    CodeClass{"InvalidIdentityToken", denied},
    CodeClass{"OptInRequired", denied},
    CodeClass{"UnauthorizedOperation", denied},
    CodeClass{"ClusterNotFoundException", not_found},
    CodeClass{"InvalidInstanceID.NotFound", not_found},
    CodeClass{"InvalidNetworkInterfaceID.NotFound", not_found},
    CodeClass{"NamespaceNotFound", not_found},
    CodeClass{"ServiceNotFound", not_found},
    CodeClass{"ServiceNotFoundException", not_found},
};

ErrorClass class_of_status(int http_status) {
  if (http_status == 429) return throttled;
  if (http_status == 408 || http_status >= 500) return transient;
  if (http_status == 401 || http_status == 403) return denied;
  return malformed_answer;
}

/// The members of both XML shapes: EC2's <Response><Errors><Error> and the query protocol's
/// <ErrorResponse><Error>.
class XmlErrorVisitor final : public XmlVisitor {
 public:
  void on_open(std::string_view /*path*/) override {}
  void on_close(std::string_view path, std::string_view text) override {
    if (path == "Response/Errors/Error/Code" || path == "ErrorResponse/Error/Code") {
      if (answer.code.empty()) answer.code = text;
    } else if (path == "Response/Errors/Error/Message" || path == "ErrorResponse/Error/Message") {
      if (answer.message.empty()) answer.message = text;
    } else if (path == "Response/RequestID" || path == "ErrorResponse/RequestId") {
      answer.request_id = text;
    }
  }

  ErrorAnswer answer;
};

ErrorAnswer read_json_error(const http::Response& response) {
  static constexpr std::string_view kNames[] = {"__type", "message", "Message"};
  ErrorAnswer answer;
  const auto document = JsonDocument::parse(response.body, kNames);
  if (document.ok()) {
    const JsonValue root = document->root();
    answer.code = bare_error_code(root.member("__type").text());
    answer.message = root.member("message").text();
    if (answer.message.empty()) answer.message = root.member("Message").text();
  }
  if (answer.code.empty()) answer.code = bare_error_code(response.header("x-amzn-ErrorType"));
  return answer;
}

ErrorAnswer read_xml_error(const http::Response& response) {
  XmlErrorVisitor visitor;
  const auto outcome = read_xml(response.body, visitor);
  if (!outcome.ok()) return {};
  visitor.answer.code = bare_error_code(visitor.answer.code);
  return visitor.answer;
}

/// One bounded line without control bytes; the blob of an encoded authorisation message says
/// nothing to people.
std::string tidy_reason(std::string_view reason) {
  reason = reason.substr(0, reason.find("Encoded authorization failure message"));
  std::string result;
  for (const char c : reason.substr(0, kReasonBytesMax)) {
    result += sys::is_ascii_control(c) ? ' ' : c;
  }
  while (!result.empty() && (result.back() == ' ' || result.back() == '.')) result.pop_back();
  return result;
}

/// What is special about taking on a role; empty when nothing is.
std::string advice_on_roles(const CallError& error) {
  if (error.operation == "sts:AssumeRoleWithWebIdentity") {
    if (error.error_class == expired_credentials) {
      return "the web identity token has expired: whoever writes its file must renew it";
    }
    if (error.error_class == denied) {
      return "the trust policy of the role must allow the issuer and the subject of the token";
    }
  }
  if (error.operation == "sts:AssumeRole" && error.error_class == denied && !error.code.empty()) {
    return "the policy of the caller must allow sts:AssumeRole on the role, and the trust policy "
           "of "
           "the role must allow the caller and its external id";
  }
  return "";
}

/// What to do about it; empty when nothing needs doing.
std::string advice(const CallError& error) {
  if (std::string text = advice_on_roles(error); !text.empty()) return text;
  switch (error.error_class) {
    case transient:
    case cancelled_by_deadline:
      return "";
    case throttled:
      return "the account's request rate is used up";
    case expired_credentials:
      return "the credentials have expired and the source gave no newer ones";
    case bad_credentials:
      return "AWS does not accept the access key or its signature: check the credentials";
    case clock_skew:
      return "the signature was refused because of its time: check the clock";
    case denied:
      if (error.code.empty()) return "access refused without a reason: check proxies and policies";
      return "add " + error.operation + " to the policy of the task role";
    case not_found:
      return "check -cluster, -namespace, -service, -family and -region";
    case invalid_request:
      return "AWS does not accept the request";
    case malformed_answer:
      return "what answered is not the AWS service: check endpoint overrides and proxies";
    case no_credentials:
      return "there are no credentials to sign with";  // the reason says what to do
  }
  return "";
}

/// A refused signature's message quotes the canonical request, session token and all; one that AWS
/// calls incomplete quotes the Authorization header.
bool may_quote_secrets(ErrorClass error_class, std::string_view reason) {
  if (error_class == bad_credentials || error_class == clock_skew) return true;
  for (const std::string_view mark :
       {"AWS4-HMAC-SHA256", "Signature=", "ecurity-", "Authorization"}) {
    if (reason.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::string_view error_class_name(ErrorClass error_class) {
  switch (error_class) {
    case transient:
      return "transient";
    case throttled:
      return "throttled";
    case expired_credentials:
      return "expired_credentials";
    case bad_credentials:
      return "bad_credentials";
    case clock_skew:
      return "clock_skew";
    case denied:
      return "denied";
    case not_found:
      return "not_found";
    case invalid_request:
      return "invalid_request";
    case malformed_answer:
      return "malformed_answer";
    case no_credentials:
      return "no_credentials";
    case cancelled_by_deadline:
      return "cancelled_by_deadline";
  }
  return "";
}

std::string bare_error_code(std::string_view text) {
  constexpr size_t kCodeBytesMax = 128;  // the longest code in use has 45
  text = text.substr(0, text.find(':'));
  const size_t hash = text.rfind('#');
  if (hash != std::string_view::npos) text.remove_prefix(hash + 1);
  const auto is_code_byte = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  const bool usable =
      text.size() <= kCodeBytesMax && std::all_of(text.begin(), text.end(), is_code_byte);
  return usable ? std::string(text) : std::string();
}

std::string request_id_of(const http::Response& response) {
  return std::string(response.header("x-amzn-RequestId").substr(0, 128));
}

ErrorAnswer read_error_answer(WireFormat format, const http::Response& response) {
  ErrorAnswer answer =
      format == WireFormat::json ? read_json_error(response) : read_xml_error(response);
  if (answer.request_id.empty()) answer.request_id = request_id_of(response);
  return answer;
}

ErrorClass classify_error(std::string_view operation, std::string_view code, int http_status) {
  // ECS has no code of its own for an unknown task definition.
  if (code == "ClientException" && operation == "ecs:DescribeTaskDefinition") return not_found;
  const auto* const found =
      std::find_if(kCodeClasses.begin(), kCodeClasses.end(),
                   [code](const CodeClass& entry) { return entry.code == code; });
  if (found != kCodeClasses.end()) return found->error_class;
  if (code.empty() || http_status >= 500 || http_status == 429) return class_of_status(http_status);
  return invalid_request;
}

bool may_be_clock_skew(std::string_view code) {
  constexpr std::array<std::string_view, 5> kCodes = {
      "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed",
      "AccessDeniedException"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

std::string explain_error(const CallError& error, std::string_view reason) {
  std::string text = error.operation + " failed";
  std::string what = error.code;
  if (what.empty() && error.http_status != 0) what = "HTTP " + std::to_string(error.http_status);
  if (!what.empty()) text += " (" + what + ")";
  const std::string hint = advice(error);
  if (!hint.empty()) text += ": " + hint;
  const std::string said = may_quote_secrets(error.error_class, reason) ? "" : tidy_reason(reason);
  if (!said.empty()) text += (hint.empty() ? ": " : "; reason: ") + said;
  return text;
}

}  // namespace kite::aws
