#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/credentials_provider.h"
#include "aws/profile_plan.h"
#include "aws/shared_files.h"
#include "http/http_client.h"

namespace kite::aws {

/// The credentials of a profile. The shared files are read at every fetch, so that keys which are
/// replaced there count as soon as the service refuses the old ones.
/// Owns:      the provider that the profile's plan asks for; built anew when the plan changes.
/// Lifetime:  outlives its Calls.
class ProfileCredentials final : public CredentialsProvider {
 public:
  using BuildProvider = std::function<std::unique_ptr<CredentialsProvider>(const ProfilePlan&)>;

  ProfileCredentials(http::Client& client, SharedFiles files, BuildProvider build_provider);

  std::string name() const override { return "profile " + files_.profile; }
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override;

 private:
  sys::Result<ProfilePlan> plan() const;

  http::Client& client_;
  SharedFiles files_;
  BuildProvider build_provider_;
  std::optional<ProfilePlan> built_plan_;
  /// The one before: its last Call may still be on the stack, telling who then asks again.
  std::unique_ptr<CredentialsProvider> retired_;
  std::unique_ptr<CredentialsProvider> provider_;
};

}  // namespace kite::aws
