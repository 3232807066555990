#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/ec2_api.h"
#include "aws/signed_call.h"

namespace kite::aws {

/// The EC2 API over a SignedCaller whose service is EC2.
/// Lifetime:  the caller outlives it.
/// Errors:    as EcsCalls.
class Ec2Calls final : public Ec2Api {
 public:
  explicit Ec2Calls(SignedCaller& caller) : caller_(caller) {}

  std::unique_ptr<Call> describe_instances(const std::vector<std::string>& instance_ids,
                                           const std::string& next_token,
                                           OnResult<InstancePage> on_result) override;
  std::unique_ptr<Call> describe_network_interfaces(const std::vector<std::string>& eni_ids,
                                                    const std::string& next_token,
                                                    OnResult<InterfacePage> on_result) override;
  uint64_t throttled_attempts() const override { return caller_.stats().throttled_attempts; }

 private:
  SignedCaller& caller_;
};

}  // namespace kite::aws
