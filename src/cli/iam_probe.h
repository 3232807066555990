#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/call_error.h"
#include "aws/cloud_map_api.h"
#include "aws/ec2_api.h"
#include "aws/ecs_api.h"
#include "discovery/target.h"

namespace kite::cli {

enum class ActionVerdict : uint8_t {
  allowed,
  denied,
  unknown,  ///< no answer that tells: network, throttling, credentials
};

struct ActionFinding {
  std::string action;  ///< "ecs:ListTasks", as policies call it
  std::string use;     ///< what the kite needs it for
  ActionVerdict verdict = ActionVerdict::unknown;
  std::string message;  ///< of the failed call; empty when allowed
};

/// Asks AWS each question the kite may have about `target`, about things that do not exist: whoever
/// may not ask is refused before anything is looked up.
/// Owns:      the calls under way.
/// Lifetime:  the APIs outlive it.
/// Thread:    reactor thread only; turn the loop until done().
class IamProbe {
 public:
  struct Apis {
    aws::EcsApi& ecs;
    aws::Ec2Api& ec2;
    aws::CloudMapApi& cloud_map;
  };
  IamProbe(const Apis& apis, const discovery::Target& target);

  bool done() const { return answered_ == findings_.size(); }
  const std::vector<ActionFinding>& findings() const { return findings_; }

 private:
  /// Adds a finding and returns the callback that completes it.
  template <typename Answer>
  aws::OnResult<Answer> expect(std::string action, std::string use);
  void ask_ecs(aws::EcsApi& ecs, const discovery::Target& target);
  void ask_ec2(aws::Ec2Api& ec2, const discovery::Target& target);
  void ask_cloud_map(aws::CloudMapApi& cloud_map, const discovery::Target& target);

  std::vector<ActionFinding> findings_;
  std::vector<std::unique_ptr<aws::Call>> calls_;
  size_t answered_ = 0;
};

/// What the failure of a call says of the right to make it. Pure.
ActionVerdict verdict_of(aws::ErrorClass error_class);

}  // namespace kite::cli
