#pragma once

#include <memory>
#include <string>

#include "aws/credentials_cache.h"
#include "aws/credentials_provider.h"
#include "aws/signed_call.h"
#include "aws/sts_wire.h"

namespace kite::aws {

/// A role taken on with the credentials of another provider: STS AssumeRole, signed.
/// Owns:      the other provider, behind a cache of its own, and the caller of STS.
/// Lifetime:  everything given outlives it; it outlives its Calls.
/// Errors:    as the caller's: what STS said, which credentials signed.
class AssumedRole final : public CredentialsProvider {
 public:
  /// What a fetch needs besides the role.
  struct Parts {
    http::Client& client;
    const sys::Clock& clock;
    sys::Random& random;
    sys::Logger& log;
  };

  AssumedRole(RoleOrder role, std::unique_ptr<CredentialsProvider> base, SignedCaller::Target sts,
              const Parts& parts);

  std::string name() const override;
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override;

 private:
  RoleOrder role_;
  CredentialsCache base_;
  SignedCaller sts_;
};

}  // namespace kite::aws
