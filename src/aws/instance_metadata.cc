#include "aws/instance_metadata.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/call_later.h"
#include "aws/credentials_document.h"
#include "aws/retried_request.h"

namespace kite::aws {

namespace {

constexpr const char* kEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
constexpr const char* kEndpointMode = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
constexpr const char* kTokenTtl = "X-aws-ec2-metadata-token-ttl-seconds";
constexpr std::chrono::seconds kTokenTtlAsked{21600};
constexpr std::chrono::seconds kTokenTtlMargin{60};
/// Long enough for the requests of one burst, short enough to notice that v2 works again.
constexpr std::chrono::seconds kTokenlessFor{60};
constexpr std::chrono::milliseconds kTimeout{1000};
constexpr size_t kAnswerBytesMax = 64U << 10;
constexpr size_t kTokenBytesMax = 4096;

bool is_token(const std::string& text) {
  return !text.empty() && text.size() <= kTokenBytesMax &&
         std::all_of(text.begin(), text.end(), [](char byte) { return byte > ' ' && byte < 0x7f; });
}

bool is_http_url(std::string_view url) {
  return (url.starts_with("http://") && url.size() > 7) ||
         (url.starts_with("https://") && url.size() > 8);
}

}  // namespace

sys::Result<InstanceMetadataPlan> plan_instance_metadata(const Settings& settings) {
  InstanceMetadataPlan plan;
  plan.disabled = settings.is_true("AWS_EC2_METADATA_DISABLED", "");
  plan.v1_allowed = !settings.is_true("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
  if (const auto mode = settings.get(kEndpointMode, "ec2_metadata_service_endpoint_mode")) {
    if (::strcasecmp(mode->text.c_str(), "ipv6") == 0) {
      plan.origin = "http://[fd00:ec2::254]";
    } else if (::strcasecmp(mode->text.c_str(), "ipv4") != 0) {
      return sys::Error{mode->origin + " must be IPv4 or IPv6"};
    }
  }
  if (const auto endpoint = settings.get(kEndpoint, "ec2_metadata_service_endpoint")) {
    if (!is_http_url(endpoint->text)) {
      return sys::Error{endpoint->origin + " must be an http or https URL"};
    }
    plan.origin = endpoint->text;
    while (plan.origin.ends_with('/')) plan.origin.pop_back();
  }
  return plan;
}

/// One question: a token first if there is none, then the path; once more with a new token if the
/// service no longer knows the old one.
class InstanceMetadata::Fetch final : public Call {
 public:
  Fetch(InstanceMetadata& service, std::string_view path, OnAnswer on_answer)
      : service_(service), path_(path), on_answer_(std::move(on_answer)) {
    if (service_.has_token() || service_.tokenless()) {
      ask();
    } else {
      ask_for_token();
    }
  }

 private:
  void ask_for_token() {
    http::Request request;
    request.direct = true;
    request.method = http::Method::put;
    request.url = service_.plan_.origin + "/latest/api/token";
    request.headers = {{kTokenTtl, std::to_string(kTokenTtlAsked.count())}};
    request.connect_timeout = kTimeout;
    request.timeout = kTimeout;
    request.response_bytes_max = kAnswerBytesMax;
    // A single try: silence is an answer here, and it means that v1 has to do.
    ticket_ = service_.client_.start(std::move(request),
                                     [this](http::Outcome outcome) { on_token_outcome(outcome); });
  }

  void on_token_outcome(const http::Outcome& outcome) {
    if (!outcome.ok() && outcome.error().failure == http::Failure::timeout) {
      return fall_back(true, outcome.error().message);
    }
    if (!outcome.ok()) return fail(outcome.error().message);
    const int status = outcome->status;
    if (status == 200 && is_token(outcome->body)) {
      service_.keep_token(*outcome.operator->());
      return ask();
    }
    if (status == 403 || status == 404 || status == 405) {
      return fall_back(false, "HTTP " + std::to_string(status) + " for the token");
    }
    fail(status == 200 ? "the token is not one"
                       : "HTTP " + std::to_string(status) + " for the token");
  }

  void fall_back(bool unanswered, const std::string& reason) {
    service_.go_tokenless(unanswered);
    if (service_.plan_.v1_allowed) return ask();
    fail(reason + "; AWS_EC2_METADATA_V1_DISABLED forbids asking without a token");
  }

  void ask() {
    http::Request request;
    request.direct = true;
    request.url = service_.plan_.origin + path_;
    request.connect_timeout = kTimeout;
    request.timeout = kTimeout;
    request.response_bytes_max = kAnswerBytesMax;
    sent_token_ = service_.has_token();
    if (sent_token_) {
      request.headers = {{"X-aws-ec2-metadata-token", service_.token_.reveal()}};
    }
    attempt_ = std::make_unique<RetriedRequest>(
        service_.client_, std::move(request), RetriedRequest::Tries{.most = 2},
        [this](const http::Outcome& outcome) { on_outcome(outcome); });
  }

  void on_outcome(const http::Outcome& outcome) {
    if (!outcome.ok()) return fail(outcome.error().message);
    const int status = outcome->status;
    if (status == 200 || status == 404) return finish(*outcome.operator->());
    if (status == 401) {
      service_.forget_token();
      if (sent_token_ && !retried_token_) {
        retried_token_ = true;
        return ask_for_token();
      }
      return fail("HTTP 401: the service wants a session token");
    }
    fail("HTTP " + std::to_string(status));
  }

  void fail(const std::string& reason) {
    finish(sys::Error{"the instance metadata service at " + service_.plan_.origin +
                      " did not help: " + reason + service_.hop_limit_hint()});
  }

  void finish(sys::Result<http::Response> answer) {
    const OnAnswer on_answer = std::move(on_answer_);
    on_answer(std::move(answer));  // last statement: may destroy *this
  }

  InstanceMetadata& service_;
  std::string path_;
  OnAnswer on_answer_;
  bool sent_token_ = false;
  bool retried_token_ = false;
  std::unique_ptr<http::Ticket> ticket_;
  std::unique_ptr<Call> attempt_;
};

InstanceMetadata::InstanceMetadata(InstanceMetadataPlan plan, http::Client& client,
                                   const sys::Clock& clock, sys::Logger& log)
    : plan_(std::move(plan)), client_(client), clock_(clock), log_(log) {}

std::unique_ptr<Call> InstanceMetadata::get(std::string_view path, OnAnswer on_answer) {
  if (plan_.disabled) {
    return call_later(client_, [on_answer = std::move(on_answer)] {
      on_answer(
          sys::Error{"the instance metadata service is switched off by AWS_EC2_METADATA_DISABLED"});
    });
  }
  return std::make_unique<Fetch>(*this, path, std::move(on_answer));
}

bool InstanceMetadata::has_token() const {
  return !token_.empty() && clock_.steady_now() < token_until_;
}

bool InstanceMetadata::tokenless() const {
  return plan_.v1_allowed && clock_.steady_now() < tokenless_until_;
}

void InstanceMetadata::keep_token(const http::Response& response) {
  token_ = Secret(response.body);
  token_request_unanswered_ = false;
  int64_t seconds = kTokenTtlAsked.count();
  const std::string_view granted = response.header(kTokenTtl);
  int64_t parsed = 0;
  const auto [end, error] =
      std::from_chars(granted.data(), granted.data() + granted.size(), parsed);
  if (error == std::errc() && parsed > 0) seconds = std::min(seconds, parsed);
  token_until_ = clock_.steady_now() + std::chrono::seconds(seconds);
  // Renewed a little early, so that a token does not end between our look and theirs.
  if (seconds > 2 * kTokenTtlMargin.count()) token_until_ -= kTokenTtlMargin;
}

void InstanceMetadata::forget_token() {
  token_ = Secret();
  tokenless_until_ = {};
}

void InstanceMetadata::go_tokenless(bool unanswered) {
  forget_token();
  tokenless_until_ = clock_.steady_now() + kTokenlessFor;
  token_request_unanswered_ = unanswered;
  if (unanswered && !std::exchange(hint_logged_, true)) {
    log_.warn("instance_metadata_token_unanswered",
              {{"origin", plan_.origin}, {"hint", hop_limit_hint().substr(2)}});
  }
}

std::string InstanceMetadata::hop_limit_hint() const {
  if (!token_request_unanswered_) return {};
  return "; its token request got no answer: from a bridge-mode container the instance's "
         "HttpPutResponseHopLimit must be 2 or more, or give the task a taskRoleArn";
}

}  // namespace kite::aws
