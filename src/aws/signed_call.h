#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/api_stats.h"
#include "aws/call_error.h"
#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "aws/retry_policy.h"
#include "http/http_client.h"
#include "sys/clock.h"
#include "sys/random.h"

namespace kite::aws {

/// One API operation, ready to be sent.
struct Operation {
  std::string name;    ///< "ecs:ListTasks": as IAM policies and our messages call it
  std::string target;  ///< X-Amz-Target; empty in the query protocol
  std::string content_type;
  std::string body;
};

/// Sends operations to one service: signs, sends, classifies the answer, tries again where that
/// makes sense. What calls to one service share lives here: retry quota and clock offset.
/// Lifetime:  client, credentials, clock and random outlive it; it outlives its Calls.
/// Errors:    a CallError; messages hold no secret and are fit for a log line.
/// Source:    AWS SDKs and Tools guide, "Retry behavior"; clock skew as aws-sdk-go-v2 corrects it.
class SignedCaller {
 public:
  struct Target {
    Service service = Service::ecs;
    std::string region;  ///< of the signing scope, whatever the endpoint
    ServiceEndpoint endpoint;
  };
  /// Plain counters, only ever growing.
  struct Stats {
    uint64_t calls = 0;
    uint64_t attempts = 0;
    uint64_t retries_after_error = 0;
    uint64_t throttled_attempts = 0;
    uint64_t credential_refreshes = 0;
    uint64_t skew_corrections = 0;
    uint64_t quota_refusals = 0;  ///< retries not made because the quota was used up
  };

  /// A whole call, all attempts and waits included; below the longest poll interval.
  static constexpr std::chrono::milliseconds kCallBudget{10'000};
  static constexpr std::chrono::milliseconds kAttemptTimeout{3'000};
  static constexpr std::chrono::milliseconds kConnectTimeout{2'000};
  /// An attempt that would have less time left is not begun.
  static constexpr std::chrono::milliseconds kAttemptTimeMin{200};
  /// 100 tasks with 10 containers each are about 1 MB.
  static constexpr size_t kResponseBytesMax = 8U << 20;
  /// ECS accepts signatures for 5 minutes either way; below this a clock is good enough.
  static constexpr std::chrono::minutes kSkewTolerated{4};

  SignedCaller(Target target, http::Client& client, CredentialsSource& credentials,
               const sys::Clock& clock, sys::Random& random);

  /// The response given has a 2xx status; its body is not yet parsed.
  [[nodiscard]] std::unique_ptr<Call> start(Operation operation,
                                            OnResult<http::Response> on_result);

  const Stats& stats() const { return stats_; }
  const ApiStats& api_stats() const { return api_stats_; }
  sys::SteadyTime now() const { return clock_.steady_now(); }
  /// For who reads the answers: a call that was begun then has ended.
  void count_end(std::string_view operation, std::optional<ErrorClass> failure,
                 sys::SteadyTime begun) {
    api_stats_.count(operation, failure, now() - begun);
  }
  uint32_t quota_available() const { return quota_.available(); }
  /// What is added to the local clock when signing; zero while the clocks agree.
  std::chrono::milliseconds clock_offset() const { return clock_offset_; }

 private:
  friend class SignedCall;

  /// Learns the clock offset from a response, and heals it. Returns the server's clock minus ours;
  /// nothing without a usable Date.
  std::optional<std::chrono::milliseconds> observe_date(const http::Response& response);

  Target target_;
  http::Client& client_;
  CredentialsSource& credentials_;
  const sys::Clock& clock_;
  sys::Random& random_;
  RetryQuota quota_;
  std::chrono::milliseconds clock_offset_{0};
  Stats stats_;
  ApiStats api_stats_;
};

}  // namespace kite::aws
