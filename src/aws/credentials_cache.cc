#include "aws/credentials_cache.h"

#include <algorithm>
#include <utility>

#include "aws/call_later.h"
#include "sys/check.h"

namespace kite::aws {

/// Someone who waits for the fetch under way.
class CredentialsCache::Waiter final : public Call {
 public:
  Waiter(CredentialsCache& cache, bool forced, OnCredentials on_credentials)
      : cache_(cache), forced_(forced), on_credentials_(std::move(on_credentials)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() override { cache_.leave(*this); }

  bool forced() const { return forced_; }
  void tell(const sys::Result<Credentials>& result) {
    const OnCredentials on_credentials = std::move(on_credentials_);
    on_credentials(result);  // last statement: may destroy *this
  }

 private:
  CredentialsCache& cache_;
  bool forced_;
  OnCredentials on_credentials_;
};

CredentialsCache::CredentialsCache(std::unique_ptr<CredentialsProvider> provider,
                                   http::Client& client, const sys::Clock& clock,
                                   sys::Random& random, sys::Logger& log)
    : provider_(std::move(provider)), client_(client), clock_(clock), random_(random), log_(log) {}

CredentialsCache::~CredentialsCache() {
  KITE_CHECK(waiting_.empty() && being_told_.empty(), "callers' Calls die before the cache");
}

CredentialsCache::Age CredentialsCache::age() const {
  const sys::WallTime now = clock_.wall_now();
  if (ends_at_ && now >= *ends_at_) return Age::ended;
  return renew_at_ && now >= *renew_at_ ? Age::ageing : Age::fresh;
}

bool CredentialsCache::may_fetch(bool forced) const {
  // What the service has just refused is not kept because of our own patience.
  return clock_.steady_now() >= (forced && current_ ? next_forced_fetch_ : next_fetch_);
}

const Credentials* CredentialsCache::at_hand() {
  if (!current_) return nullptr;
  switch (age()) {
    case Age::ended:
      return nullptr;
    case Age::ageing:
      if (fetch_ == nullptr && may_fetch(false)) fetch();
      break;
    case Age::fresh:
      break;
  }
  return &*current_;
}

std::unique_ptr<Call> CredentialsCache::get(bool force_refresh, OnCredentials on_credentials) {
  const bool needed = force_refresh || !current_ || age() == Age::ended;
  if (needed && (fetch_ != nullptr || may_fetch(force_refresh))) {
    auto waiter = std::make_unique<Waiter>(*this, force_refresh, std::move(on_credentials));
    waiting_.push_back(waiter.get());
    if (fetch_ == nullptr) fetch();
    return waiter;
  }
  return call_later(client_, [on_credentials = std::move(on_credentials), answer = verdict()] {
    on_credentials(answer);
  });
}

void CredentialsCache::fetch() {
  ++stats_.fetches;
  fetch_ = provider_->fetch([this](const sys::Result<Credentials>& result) { on_fetched(result); });
}

void CredentialsCache::on_fetched(const sys::Result<Credentials>& result) {
  const std::unique_ptr<Call> ended = std::move(fetch_);  // a waiter may start the next one
  next_forced_fetch_ = clock_.steady_now() + kForcedPause;
  if (result.ok()) {
    accept(*result.operator->());
  } else {
    reject(result.error());
  }
  tell_waiters(result);
}

void CredentialsCache::accept(const Credentials& credentials) {
  const bool news = !current_ || last_error_;
  current_ = credentials;
  last_error_.reset();
  failures_in_a_row_ = 0;
  renew_at_.reset();
  ends_at_.reset();
  sys::Duration pause = kRenewPause;
  const sys::WallTime now = clock_.wall_now();
  if (const auto expiry = credentials.expiry) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const auto life = *expiry - now;
    if (life > milliseconds::zero()) {
      const milliseconds window = std::min<milliseconds>(kWindow, life / kWindowShare);
      renew_at_ = *expiry - window - duration_cast<milliseconds>(random_.jitter(window / 4));
      if (!provider_->keeps_expired()) ends_at_ = expiry;
      // The pause must not outlast a short life.
      pause = std::clamp<sys::Duration>(window, kFirstRetryPause, kRenewPause);
    } else {
      // The sender lags behind, or our clock is ahead of it. Only the service can tell.
      renew_at_ = now + kStalePause + duration_cast<milliseconds>(random_.jitter(kStaleSpread));
      log_.warn("credentials_arrived_expired", {{"source", provider_->name()}});
    }
  }
  next_fetch_ = clock_.steady_now() + pause;
  if (news) log_.info("credentials_found", {{"source", provider_->name()}});
}

void CredentialsCache::reject(const sys::Error& error) {
  ++stats_.failures;
  const bool has_usable = current_ && age() != Age::ended;
  sys::Duration pause{};
  if (!has_usable) {
    pause = std::min<sys::Duration>(kFirstRetryPause * (1 << std::min(failures_in_a_row_, 4U)),
                                    kRetryPauseMax);
    pause -= random_.jitter(pause / 2);
  } else if (current_->expiry && clock_.wall_now() >= *current_->expiry) {
    pause = kStalePause + random_.jitter(kStaleSpread);
  } else {
    pause = kRenewPause + random_.jitter(kRenewPause);
    if (ends_at_) pause = std::min<sys::Duration>(pause, *ends_at_ - clock_.wall_now());
  }
  next_fetch_ = clock_.steady_now() + pause;
  if (failures_in_a_row_++ == 0) {
    log_.warn("credentials_fetch_failed",
              {{"source", provider_->name()}, {"reason", error.message}});
  }
  last_error_ = error;
}

void CredentialsCache::tell_waiters(const sys::Result<Credentials>& result) {
  const sys::Result<Credentials> settled = verdict();
  being_told_.swap(waiting_);
  while (!being_told_.empty()) {  // ends: those who ask from a callback wait in the other queue
    Waiter* waiter = being_told_.front();
    being_told_.pop_front();
    // Who was refused with the old keys must hear that there are no new ones.
    waiter->tell(waiter->forced() ? result : settled);
  }
}

sys::Result<Credentials> CredentialsCache::verdict() const {
  if (current_ && age() != Age::ended) return *current_;
  if (last_error_) return *last_error_;
  return sys::Error{"no credentials from the " + provider_->name()};
}

void CredentialsCache::leave(Waiter& waiter) {
  std::erase(waiting_, &waiter);
  std::erase(being_told_, &waiter);
}

}  // namespace kite::aws
