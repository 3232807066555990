#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aws/call_error.h"
#include "aws/model.h"

namespace kite::aws {

/// The two EC2 calls, always in their filter form: an unknown id is then left out of the answer
/// instead of failing the whole call, and the larger request bucket is charged.
/// Lifetime:  outlives the Calls it hands out.
class Ec2Api {
 public:
  static constexpr size_t kFilterValuesMax = 200;  ///< ids per call

  struct InstancePage {
    std::vector<Instance> instances;
    std::string next_token;  ///< empty on the last page
  };
  struct InterfacePage {
    std::vector<NetworkInterface> interfaces;
    std::string next_token;
  };

  virtual ~Ec2Api() = default;
  /// Requests refused so far because the account's budget was used up, also those that a retry
  /// inside a call made good.
  virtual uint64_t throttled_attempts() const = 0;
  /// 1 to kFilterValuesMax ids of the form i-...; the same ids with the token for later pages.
  [[nodiscard]] virtual std::unique_ptr<Call> describe_instances(
      const std::vector<std::string>& instance_ids, const std::string& next_token,
      OnResult<InstancePage> on_result) = 0;
  [[nodiscard]] virtual std::unique_ptr<Call> describe_network_interfaces(
      const std::vector<std::string>& eni_ids, const std::string& next_token,
      OnResult<InterfacePage> on_result) = 0;
};

}  // namespace kite::aws
