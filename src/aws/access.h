#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "aws/cloud_map_calls.h"
#include "aws/credentials_cache.h"
#include "aws/ec2_calls.h"
#include "aws/ecs_calls.h"
#include "aws/instance_metadata.h"
#include "aws/place_search.h"
#include "aws/region.h"
#include "aws/settings.h"
#include "aws/signed_call.h"
#include "aws/task_metadata.h"
#include "http/http_client.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"
#include "sys/result.h"

namespace kite::aws {

/// The way to AWS, found once: region, then endpoints and credentials, then the APIs there,
/// which share retry quota and clock offset.
/// Owns:      everything on that way.
/// Lifetime:  Deps outlive it; it outlives the calls of its APIs.
/// Errors:    open() reports a sentence that says what to set.
class Access {
 public:
  struct Deps {
    const Settings& settings;
    http::Client& client;
    const sys::Clock& clock;
    sys::Random& random;
    sys::Logger& log;
  };
  /// What flags say; the environment decides where they are empty.
  struct Wishes {
    std::string region;
    std::string endpoint_ecs;
    std::string endpoint_ec2;
    std::string assume_role;
    std::string external_id;
  };
  using OnOpen = std::function<void(const sys::Result<sys::Done>&)>;

  Access(const Deps& deps, const InstanceMetadataPlan& metadata_plan, Wishes wishes);

  /// Call once. The callback is never called from within.
  void open(OnOpen on_open);
  /// Finds the availability zone of the kite itself; open() need not have come first. Call once.
  /// The callback is never called from within.
  void find_zone(OnPlace on_zone) {
    zone_call_ = find_own_zone(task_metadata_, instance_metadata_, std::move(on_zone));
  }
  /// Forgets the searches that are under way.
  void cancel() {
    region_call_.reset();
    zone_call_.reset();
  }
  bool is_open() const { return services_ != nullptr; }

  /// The rest requires is_open().
  const Region& region() const { return region_; }
  CredentialsCache& credentials() { return services_->credentials; }
  const CredentialsCache& credentials() const { return services_->credentials; }
  const SignedCaller& ecs_caller() const { return services_->ecs_caller; }
  const SignedCaller& ec2_caller() const { return services_->ec2_caller; }
  const SignedCaller& cloud_map_caller() const { return services_->cloud_map_caller; }
  EcsApi& ecs() { return services_->ecs; }
  Ec2Api& ec2() { return services_->ec2; }
  CloudMapApi& cloud_map() { return services_->cloud_map; }

 private:
  struct Services {
    Services(const Deps& deps, std::unique_ptr<CredentialsProvider> provider,
             SignedCaller::Target ecs_target, SignedCaller::Target ec2_target,
             SignedCaller::Target cloud_map_target);

    CredentialsCache credentials;
    SignedCaller ecs_caller;
    SignedCaller ec2_caller;
    SignedCaller cloud_map_caller;
    EcsCalls ecs;
    Ec2Calls ec2;
    CloudMapCalls cloud_map;
  };

  void on_region(const sys::Result<Region>& region);
  sys::Result<sys::Done> build_services();

  const Deps deps_;
  const Wishes wishes_;
  InstanceMetadata instance_metadata_;
  TaskMetadataEndpoint task_metadata_;
  RegionFinder region_finder_;
  Region region_;
  OnOpen on_open_;
  std::unique_ptr<Call> region_call_;
  std::unique_ptr<Call> zone_call_;
  std::unique_ptr<Services> services_;  // from when the region is known
};

}  // namespace kite::aws
