#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "aws/call_error.h"
#include "http/http_client.h"

namespace kite::aws {

/// One unsigned request to a metadata or credentials endpoint, sent again after a network failure,
/// 429 or 5xx. Any other status is an answer.
/// Owns:      the ticket of the attempt under way.
/// Lifetime:  destroying it cancels; destroying it inside the callback is fine.
class RetriedRequest final : public Call {
 public:
  struct Tries {
    int most = 3;
    std::chrono::milliseconds pause{1000};  ///< between two tries
    /// Answers worth another try besides 429 and 5xx; null: none.
    bool (*may_pass)(const http::Response& response) = nullptr;
  };

  RetriedRequest(http::Client& client, http::Request request, Tries tries, http::OnDone on_done);

 private:
  void send(std::chrono::milliseconds delay);
  void on_outcome(http::Outcome outcome);

  http::Client& client_;
  http::Request request_;
  Tries tries_;
  int sent_ = 0;
  http::OnDone on_done_;
  std::unique_ptr<http::Ticket> ticket_;
};

/// A URL's scheme and host for messages: paths of credential endpoints name secrets' places.
std::string origin_of(const std::string& url);

}  // namespace kite::aws
