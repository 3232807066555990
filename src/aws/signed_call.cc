#include "aws/signed_call.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "aws/error_answer.h"
#include "aws/sigv4.h"
#include "aws/timestamp.h"

namespace kite::aws {

using std::chrono::milliseconds;

namespace {

/// Codes of a key that may only be too new or just replaced: worth one look at the source.
bool may_be_stale_key(std::string_view code) {
  return code == "AuthFailure" || code == "UnrecognizedClientException" ||
         code == "InvalidClientTokenId" || code == "InvalidAccessKeyId";
}

bool says_wrong_time(std::string_view message) {
  return message.starts_with("Signature expired") ||
         message.starts_with("Signature not yet current");
}

WireFormat format_of(Service service) {
  const bool is_json = service == Service::ecs || service == Service::cloud_map;
  return is_json ? WireFormat::json : WireFormat::xml;
}

CallError transport_error(const std::string& operation, const http::RequestError& failure) {
  CallError error;
  error.operation = operation;
  error.code = http::failure_name(failure.failure);
  if (failure.failure == http::Failure::too_large) error.error_class = ErrorClass::malformed_answer;
  if (failure.failure == http::Failure::bad_url) error.error_class = ErrorClass::invalid_request;
  error.message = explain_error(error, failure.message);
  return error;
}

}  // namespace

/// One operation on its way through at most kAttemptsMax signed attempts.
/// Owns:      the ticket of the attempt, or the credentials fetch, that is under way.
/// Lifetime:  its owner may destroy it from within on_result_, so that call is always last.
class SignedCall final : public Call {
 public:
  SignedCall(SignedCaller& caller, Operation operation, OnResult<http::Response> on_result)
      : caller_(caller),
        operation_(std::move(operation)),
        on_result_(std::move(on_result)),
        deadline_(caller.clock_.steady_now() + SignedCaller::kCallBudget) {}

  /// Only starts exchanges, so no callback runs in here.
  void begin() {
    if (const Credentials* credentials = caller_.credentials_.at_hand()) {
      used_ = *credentials;
      send(milliseconds(0));
    } else {
      ask_for_credentials(false);
    }
  }

 private:
  /// The part of an attempt's result that decides what comes next.
  struct Refusal {
    CallError error;
    milliseconds clock_gap{0};  ///< server's clock minus the time signed with
    uint32_t retry_cost = RetryQuota::kRetryCost;
  };

  void ask_for_credentials(bool force_refresh);
  void on_credentials(sys::Result<Credentials> credentials);
  void fail_without_credentials(const sys::Error& reason);
  void send(milliseconds delay);
  http::Request build_request(milliseconds delay);
  void on_outcome(http::Outcome outcome);
  Refusal read_refusal(const http::Response& response) const;
  void decide(Refusal refusal);
  bool retry_with_new_clock(const Refusal& refusal);
  bool retry_with_new_credentials(const Refusal& refusal);
  bool retry_later(const Refusal& refusal);
  bool has_time_for(milliseconds delay) const;
  void succeed(http::Response response);
  void fail(CallError error);

  SignedCaller& caller_;
  const Operation operation_;
  OnResult<http::Response> on_result_;
  const sys::SteadyTime deadline_;
  Credentials used_;
  uint32_t attempts_ = 0;
  uint32_t retries_after_error_ = 0;
  uint32_t last_retry_cost_ = 0;
  milliseconds used_offset_{0};
  bool skew_corrected_ = false;
  bool refresh_tried_ = false;
  std::optional<CallError> refused_;  ///< while new credentials are fetched: why
  std::unique_ptr<Call> credentials_call_;
  std::unique_ptr<http::Ticket> ticket_;
};

void SignedCall::ask_for_credentials(bool force_refresh) {
  credentials_call_ = caller_.credentials_.get(
      force_refresh,
      [this](sys::Result<Credentials> credentials) { on_credentials(std::move(credentials)); });
}

void SignedCall::on_credentials(sys::Result<Credentials> credentials) {
  if (!credentials.ok()) return fail_without_credentials(credentials.error());
  // The same keys again would be refused again: environment variables, for one, never change.
  if (refused_ && *credentials == used_) return fail(*std::move(refused_));
  if (!has_time_for(milliseconds(0))) {
    CallError error;
    error.error_class = ErrorClass::cancelled_by_deadline;
    error.operation = operation_.name;
    error.message = explain_error(error, "the credentials came too late");
    return fail(std::move(error));
  }
  refused_.reset();
  used_ = *std::move(credentials);
  send(milliseconds(0));
}

void SignedCall::fail_without_credentials(const sys::Error& reason) {
  if (refused_) {
    refused_->message += "; refreshing the credentials failed: " + reason.message;
    return fail(*std::move(refused_));
  }
  CallError error;
  error.error_class = ErrorClass::no_credentials;
  error.operation = operation_.name;
  error.message = explain_error(error, reason.message);
  fail(std::move(error));
}

void SignedCall::send(milliseconds delay) {
  ++attempts_;
  ++caller_.stats_.attempts;
  ticket_ = caller_.client_.start(
      build_request(delay), [this](http::Outcome outcome) { on_outcome(std::move(outcome)); });
}

http::Request SignedCall::build_request(milliseconds delay) {
  const SignedCaller::Target& target = caller_.target_;
  used_offset_ = caller_.clock_offset_;
  http::Request request;
  request.method = http::Method::post;
  request.url = target.endpoint.url;
  request.headers = {{"Host", target.endpoint.host}, {"Content-Type", operation_.content_type}};
  if (!operation_.target.empty()) request.headers.push_back({"X-Amz-Target", operation_.target});
  request.body = operation_.body;
  // Signed for the moment it will leave.
  const SigningScope scope{amz_timestamp(caller_.clock_.wall_now() + delay + used_offset_),
                           target.region, std::string(service_name(target.service))};
  sign_headers({"POST", target.endpoint.path, "", request.body}, used_, scope, request.headers);
  const auto left =
      std::chrono::duration_cast<milliseconds>(deadline_ - caller_.clock_.steady_now() - delay);
  request.connect_timeout = std::min(SignedCaller::kConnectTimeout, left);
  request.timeout = std::min(SignedCaller::kAttemptTimeout, left);
  request.start_delay = delay;
  request.response_bytes_max = SignedCaller::kResponseBytesMax;
  return request;
}

void SignedCall::on_outcome(http::Outcome outcome) {
  if (outcome.ok()) {
    if (outcome->status / 100 == 2) return succeed(*std::move(outcome));
    return decide(read_refusal(*outcome));
  }
  Refusal refusal;
  refusal.error = transport_error(operation_.name, outcome.error());
  if (outcome.error().failure == http::Failure::timeout) {
    refusal.retry_cost = RetryQuota::kTimeoutRetryCost;
  }
  decide(std::move(refusal));
}

SignedCall::Refusal SignedCall::read_refusal(const http::Response& response) const {
  ErrorAnswer answer = read_error_answer(format_of(caller_.target_.service), response);
  Refusal refusal;
  CallError& error = refusal.error;
  error.operation = operation_.name;
  error.http_status = response.status;
  error.error_class = classify_error(error.operation, answer.code, response.status);
  error.code = std::move(answer.code);
  error.request_id = std::move(answer.request_id);
  if (const auto gap = caller_.observe_date(response)) refusal.clock_gap = *gap - used_offset_;
  if (error.error_class == ErrorClass::bad_credentials && says_wrong_time(answer.message)) {
    error.error_class = ErrorClass::clock_skew;
  }
  error.message = explain_error(error, answer.message);
  return refusal;
}

void SignedCall::decide(Refusal refusal) {
  if (refusal.error.error_class == ErrorClass::throttled) ++caller_.stats_.throttled_attempts;
  if (attempts_ < kAttemptsMax) {
    if (retry_with_new_clock(refusal)) return;
    if (retry_with_new_credentials(refusal)) return;
    if (retry_later(refusal)) return;
  }
  fail(std::move(refusal.error));
}

bool SignedCall::retry_with_new_clock(const Refusal& refusal) {
  const bool clocks_differ = std::chrono::abs(refusal.clock_gap) > SignedCaller::kSkewTolerated;
  if (skew_corrected_ || !clocks_differ || !may_be_clock_skew(refusal.error.code)) return false;
  if (!has_time_for(milliseconds(0))) return false;
  skew_corrected_ = true;
  ++caller_.stats_.skew_corrections;
  send(milliseconds(0));
  return true;
}

bool SignedCall::retry_with_new_credentials(const Refusal& refusal) {
  const bool worth_it = refusal.error.error_class == ErrorClass::expired_credentials ||
                        may_be_stale_key(refusal.error.code);
  if (refresh_tried_ || !worth_it || !has_time_for(milliseconds(0))) return false;
  refresh_tried_ = true;
  ++caller_.stats_.credential_refreshes;
  const Credentials* at_hand = caller_.credentials_.at_hand();
  if (at_hand != nullptr && *at_hand != used_) {  // another call has refreshed them meanwhile
    used_ = *at_hand;
    send(milliseconds(0));
    return true;
  }
  refused_ = refusal.error;
  ask_for_credentials(true);
  return true;
}

bool SignedCall::retry_later(const Refusal& refusal) {
  const ErrorClass error_class = refusal.error.error_class;
  if (error_class != ErrorClass::transient && error_class != ErrorClass::throttled) return false;
  const bool throttled = error_class == ErrorClass::throttled;
  if (throttled && attempts_ >= kThrottledAttemptsMax) return false;
  const milliseconds delay = throttled ? throttled_retry_delay(caller_.random_)
                                       : retry_delay(retries_after_error_, caller_.random_);
  if (!has_time_for(delay)) return false;
  if (!caller_.quota_.take(refusal.retry_cost)) {
    ++caller_.stats_.quota_refusals;
    return false;
  }
  last_retry_cost_ = refusal.retry_cost;
  ++retries_after_error_;
  ++caller_.stats_.retries_after_error;
  send(delay);
  return true;
}

bool SignedCall::has_time_for(milliseconds delay) const {
  return caller_.clock_.steady_now() + delay + SignedCaller::kAttemptTimeMin <= deadline_;
}

void SignedCall::succeed(http::Response response) {
  caller_.observe_date(response);
  caller_.quota_.give_back(last_retry_cost_ != 0 ? last_retry_cost_ : RetryQuota::kNoRetryRefund);
  const OnResult<http::Response> on_result = std::move(on_result_);
  on_result(std::move(response));
}

void SignedCall::fail(CallError error) {
  const OnResult<http::Response> on_result = std::move(on_result_);
  on_result(std::move(error));
}

SignedCaller::SignedCaller(Target target, http::Client& client, CredentialsSource& credentials,
                           const sys::Clock& clock, sys::Random& random)
    : target_(std::move(target)),
      client_(client),
      credentials_(credentials),
      clock_(clock),
      random_(random) {}

std::unique_ptr<Call> SignedCaller::start(Operation operation, OnResult<http::Response> on_result) {
  ++stats_.calls;
  auto call = std::make_unique<SignedCall>(*this, std::move(operation), std::move(on_result));
  call->begin();
  return call;
}

std::optional<milliseconds> SignedCaller::observe_date(const http::Response& response) {
  const std::optional<sys::WallTime> server_time = parse_http_date(response.header("Date"));
  if (!server_time) return std::nullopt;
  const milliseconds gap = *server_time - clock_.wall_now();
  // A gap the service tolerates is not worth following: Date has a resolution of a second and
  // tells when the answer was made, not when it came.
  clock_offset_ = std::chrono::abs(gap) > kSkewTolerated ? gap : milliseconds(0);
  return gap;
}

}  // namespace kite::aws
