#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/call_error.h"
#include "aws/model.h"
#include "sys/shared_text.h"

namespace kite::aws {

/// One instance that is registered with a Cloud Map service, reduced to the attributes that the
/// kite uses. ECS registers each task of a service with service discovery, under the task's id.
/// Source:    Cloud Map API 2017-03-14; ECS developer guide, "Service discovery".
struct RegisteredInstance {
  sys::SharedText id;
  sys::SharedText health;  ///< "HEALTHY", "UNHEALTHY"; anything else is no verdict
  sys::SharedText ipv4;
  sys::SharedText ipv6;
  sys::SharedText availability_zone;
  sys::SharedText cluster;   ///< ECS's, by name; empty for what ECS did not register
  sys::SharedText family;    ///< of the task definition
  uint16_t port = 0;         ///< AWS_INSTANCE_PORT; 0 without one
  bool on_instance = false;  ///< reached at its EC2 instance's address: bridge or host mode
  bool operator==(const RegisteredInstance&) const = default;
};

struct RegisteredInstances {
  std::vector<RegisteredInstance> instances;
  /// Another number whenever an instance came or went; health does not change it.
  std::optional<int64_t> revision;
};

/// The two Cloud Map calls. One method is one HTTP exchange with its retries.
/// Lifetime:  outlives the Calls it hands out.
class CloudMapApi {
 public:
  /// Of one answer, which has no pages: whatever is beyond is not told.
  static constexpr size_t kInstancesMax = 1000;

  struct Query {
    std::string namespace_name;
    std::string service;
    std::vector<Tag> attributes;  ///< an instance must have all of them
  };

  virtual ~CloudMapApi() = default;
  /// Of every health.
  [[nodiscard]] virtual std::unique_ptr<Call> discover_instances(
      const Query& query, OnResult<RegisteredInstances> on_result) = 0;
  /// Of all instances, whatever their attributes.
  [[nodiscard]] virtual std::unique_ptr<Call> discover_revision(const Query& query,
                                                                OnResult<int64_t> on_result) = 0;
  /// As EcsApi's.
  virtual uint64_t throttled_attempts() const = 0;
};

}  // namespace kite::aws
