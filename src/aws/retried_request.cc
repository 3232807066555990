#include "aws/retried_request.h"

#include <utility>

namespace kite::aws {

namespace {

bool worth_another_try(const http::Outcome& outcome) {
  if (outcome.ok()) return outcome->status == 429 || outcome->status >= 500;
  switch (outcome.error().failure) {
    case http::Failure::connect:
    case http::Failure::timeout:
    case http::Failure::broken:
    case http::Failure::resolve:
      return true;
    case http::Failure::bad_url:
    case http::Failure::tls:
    case http::Failure::too_large:
      return false;
  }
  return false;
}

}  // namespace

RetriedRequest::RetriedRequest(http::Client& client, http::Request request, Tries tries,
                               http::OnDone on_done)
    : client_(client), request_(std::move(request)), tries_(tries), on_done_(std::move(on_done)) {
  send(std::chrono::milliseconds::zero());
}

void RetriedRequest::send(std::chrono::milliseconds delay) {
  ++sent_;
  request_.start_delay = delay;
  ticket_ =
      client_.start(request_, [this](http::Outcome outcome) { on_outcome(std::move(outcome)); });
}

void RetriedRequest::on_outcome(http::Outcome outcome) {
  const bool may_pass = outcome.ok() && tries_.may_pass != nullptr && tries_.may_pass(*outcome);
  if (sent_ < tries_.most && (may_pass || worth_another_try(outcome))) return send(tries_.pause);
  const http::OnDone on_done = std::move(on_done_);
  on_done(std::move(outcome));  // last statement: may destroy *this
}

std::string origin_of(const std::string& url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return url;
  return url.substr(0, url.find_first_of("/?#", scheme_end + 3));
}

}  // namespace kite::aws
