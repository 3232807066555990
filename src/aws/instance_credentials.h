#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/credentials_provider.h"
#include "aws/instance_metadata.h"
#include "sys/result.h"

namespace kite::aws {

/// The role an EC2 instance runs with. Its name is asked for at every fetch: roles can be swapped.
/// Source:    EC2 user guide, "Retrieve security credentials from instance metadata".
class InstanceCredentials final : public CredentialsProvider {
 public:
  explicit InstanceCredentials(InstanceMetadata& metadata) : metadata_(metadata) {}

  std::string name() const override { return "instance role of " + metadata_.origin(); }
  bool keeps_expired() const override { return true; }
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override;

 private:
  class Fetch;
  InstanceMetadata& metadata_;
};

/// The first line of the role list, if it can be part of a path. Pure.
sys::Result<std::string> parse_role_list(std::string_view body);

}  // namespace kite::aws
