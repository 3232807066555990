#pragma once

#include <memory>

#include "aws/cloud_map_api.h"
#include "aws/signed_call.h"

namespace kite::aws {

/// The Cloud Map API over a SignedCaller whose service is Cloud Map.
/// Lifetime:  the caller outlives it.
/// Errors:    as EcsCalls.
class CloudMapCalls final : public CloudMapApi {
 public:
  explicit CloudMapCalls(SignedCaller& caller) : caller_(caller) {}

  std::unique_ptr<Call> discover_instances(const Query& query,
                                           OnResult<RegisteredInstances> on_result) override;
  std::unique_ptr<Call> discover_revision(const Query& query, OnResult<int64_t> on_result) override;
  uint64_t throttled_attempts() const override { return caller_.stats().throttled_attempts; }

 private:
  SignedCaller& caller_;
};

}  // namespace kite::aws
