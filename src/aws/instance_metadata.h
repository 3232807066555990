#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/call_error.h"
#include "aws/credentials.h"
#include "aws/settings.h"
#include "http/http_client.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/result.h"

namespace kite::aws {

/// Where the instance metadata service is and what may be asked of it. Pure.
struct InstanceMetadataPlan {
  std::string origin = "http://169.254.169.254";  ///< no slash at its end
  bool disabled = false;                          ///< AWS_EC2_METADATA_DISABLED
  bool v1_allowed = true;                         ///< unless AWS_EC2_METADATA_V1_DISABLED
};
/// The error names the variable or the key of the profile that is wrong.
sys::Result<InstanceMetadataPlan> plan_instance_metadata(const Settings& settings);

/// The EC2 instance metadata service: session tokens (IMDSv2), and plain requests where an
/// instance knows no better (v1).
/// Owns:      the session token.
/// Lifetime:  outlives the Calls it hands out; client, clock and logger outlive it.
/// Errors:    a sentence. A token request that gets no answer is the sign of a hop limit of 1 seen
///            from behind a bridge; then the log says so once, and so does the error if v1 fails.
/// Source:    EC2 user guide, "Use the Instance Metadata Service"; fallback rules as in the SDKs:
///            403, 404, 405 and silence mean v1, 400 never does.
class InstanceMetadata {
 public:
  /// Status 200 or 404 with the body; anything else is an error.
  using OnAnswer = std::function<void(sys::Result<http::Response>)>;

  InstanceMetadata(InstanceMetadataPlan plan, http::Client& client, const sys::Clock& clock,
                   sys::Logger& log);

  bool disabled() const { return plan_.disabled; }
  const std::string& origin() const { return plan_.origin; }
  [[nodiscard]] std::unique_ptr<Call> get(std::string_view path, OnAnswer on_answer);

 private:
  class Fetch;

  bool has_token() const;
  bool tokenless() const;
  void keep_token(const http::Response& response);
  void forget_token();
  void go_tokenless(bool unanswered);
  std::string hop_limit_hint() const;

  InstanceMetadataPlan plan_;
  http::Client& client_;
  const sys::Clock& clock_;
  sys::Logger& log_;
  Secret token_;
  sys::SteadyTime token_until_{};
  sys::SteadyTime tokenless_until_{};  ///< a fallback is not remembered for ever
  bool token_request_unanswered_ = false;
  bool hint_logged_ = false;
};

}  // namespace kite::aws
