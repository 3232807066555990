#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "aws/call_error.h"
#include "sys/clock.h"
#include "sys/result.h"

namespace kite::aws {

/// Text that must never be shown. Has no conversion to any text type, so it cannot become a log
/// field or part of a message by accident: whoever needs the bytes says reveal().
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string text_;
};

/// What signs a request.
struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;                 ///< empty: long-lived keys, no token header is sent
  std::optional<sys::WallTime> expiry;  ///< absent: do not expire
  bool operator==(const Credentials&) const = default;
};

using OnCredentials = std::function<void(sys::Result<Credentials>)>;

/// Where credentials come from; implemented by the provider chain, and by a script in tests.
/// Lifetime:  outlives the Calls it hands out.
/// Errors:    an Error names the provider and what to change, and holds no secret.
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;

  /// Credentials good enough to sign with now; null when get() has to be asked first. The pointer
  /// is good until the source is used again. May start a refresh of its own when they grow old.
  virtual const Credentials* at_hand() = 0;

  /// Fetches credentials, or joins a fetch under way. With `force_refresh` the service has just
  /// refused the ones at hand, so a cached answer does not count; a source that cannot refresh
  /// (environment variables) gives the same ones again. `on_credentials` is called exactly once,
  /// never from within get(), and not at all once the Call is destroyed.
  [[nodiscard]] virtual std::unique_ptr<Call> get(bool force_refresh,
                                                  OnCredentials on_credentials) = 0;
};

}  // namespace kite::aws
