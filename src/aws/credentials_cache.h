#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "aws/credentials.h"
#include "aws/credentials_provider.h"
#include "http/http_client.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"

namespace kite::aws {

/// Keeps what a provider gave, renews it in the background well before it expires, and asks no
/// more often than is polite.
/// Owns:      the provider and the one fetch under way.
/// Lifetime:  everything given outlives it; it outlives its Calls.
/// Errors:    a failed renewal is told only to those who cannot go on without it: keys that have
///            not expired go on being used, and those of a provider that keeps_expired() beyond
///            that, until the service refuses them.
/// Source:    "Refreshing credentials" as botocore and aws-sdk-go-v2 do it; EC2 user guide: new
///            keys appear at least five minutes before the old ones expire.
class CredentialsCache final : public CredentialsSource {
 public:
  /// Renewal begins this long before expiry, or earlier in a short life.
  static constexpr std::chrono::minutes kWindow{15};
  static constexpr int kWindowShare = 4;                      ///< ...after three quarters of it
  static constexpr std::chrono::seconds kRenewPause{30};      ///< at least, between renewals
  static constexpr std::chrono::seconds kFirstRetryPause{1};  ///< doubles, with nothing in hand
  static constexpr std::chrono::seconds kRetryPauseMax{15};
  static constexpr std::chrono::seconds kForcedPause{5};  ///< between renewals the service forces
  /// With expired keys in hand: 5 to 15 minutes, as aws-sdk-go-v2.
  static constexpr std::chrono::minutes kStalePause{5};
  static constexpr std::chrono::minutes kStaleSpread{10};

  struct Stats {
    uint64_t fetches = 0;
    uint64_t failures = 0;
  };

  CredentialsCache(std::unique_ptr<CredentialsProvider> provider, http::Client& client,
                   const sys::Clock& clock, sys::Random& random, sys::Logger& log);
  CredentialsCache(const CredentialsCache&) = delete;
  CredentialsCache& operator=(const CredentialsCache&) = delete;
  ~CredentialsCache() override;

  const Credentials* at_hand() override;
  [[nodiscard]] std::unique_ptr<Call> get(bool force_refresh,
                                          OnCredentials on_credentials) override;

  std::string source_name() const { return provider_->name(); }
  const Stats& stats() const { return stats_; }
  bool has_any() const { return current_.has_value(); }
  /// Of the credentials in hand; nothing without any, and when they do not expire.
  std::optional<sys::WallTime> expiry() const { return current_ ? current_->expiry : std::nullopt; }

 private:
  class Waiter;
  enum class Age : uint8_t { fresh, ageing, ended };

  Age age() const;
  bool may_fetch(bool forced) const;
  void fetch();
  void on_fetched(const sys::Result<Credentials>& result);
  void accept(const Credentials& credentials);
  void reject(const sys::Error& error);
  void tell_waiters(const sys::Result<Credentials>& result);
  sys::Result<Credentials> verdict() const;
  void leave(Waiter& waiter);

  std::unique_ptr<CredentialsProvider> provider_;
  http::Client& client_;
  const sys::Clock& clock_;
  sys::Random& random_;
  sys::Logger& log_;
  Stats stats_;
  std::optional<Credentials> current_;
  std::optional<sys::WallTime> renew_at_;  ///< absent: they do not expire
  std::optional<sys::WallTime> ends_at_;   ///< absent: usable until the service says otherwise
  std::optional<sys::Error> last_error_;   ///< of the latest fetch, if it failed
  uint32_t failures_in_a_row_ = 0;
  sys::SteadyTime next_fetch_{};
  sys::SteadyTime next_forced_fetch_{};
  std::deque<Waiter*> waiting_;
  std::deque<Waiter*> being_told_;
  std::unique_ptr<Call> fetch_;
};

}  // namespace kite::aws
