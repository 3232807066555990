#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/credentials.h"

namespace kite::testing {

/// A CredentialsSource that the test answers by hand.
class ScriptedCredentials final : public aws::CredentialsSource {
 public:
  struct Fetch {
    bool force_refresh = false;
    aws::OnCredentials on_credentials;
    bool open = true;  ///< neither answered nor cancelled
  };

  const aws::Credentials* at_hand() override { return held ? &*held : nullptr; }

  std::unique_ptr<aws::Call> get(bool force_refresh, aws::OnCredentials on_credentials) override {
    auto fetch = std::make_shared<Fetch>();
    fetch->force_refresh = force_refresh;
    fetch->on_credentials = std::move(on_credentials);
    fetches.push_back(fetch);
    return std::make_unique<FetchCall>(fetch);
  }

  void answer(size_t index, sys::Result<aws::Credentials> credentials) {
    const std::shared_ptr<Fetch> fetch = fetches.at(index);
    if (!std::exchange(fetch->open, false)) return;
    if (credentials.ok()) held = *credentials;
    const aws::OnCredentials on_credentials = std::move(fetch->on_credentials);
    on_credentials(std::move(credentials));
  }

  std::optional<aws::Credentials> held;
  std::vector<std::shared_ptr<Fetch>> fetches;

 private:
  class FetchCall final : public aws::Call {
   public:
    explicit FetchCall(std::shared_ptr<Fetch> fetch) : fetch_(std::move(fetch)) {}
    ~FetchCall() override { fetch_->open = false; }

   private:
    std::shared_ptr<Fetch> fetch_;
  };
};

}  // namespace kite::testing
