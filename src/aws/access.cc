#include "aws/access.h"

#include <utility>

#include "aws/credentials_chain.h"
#include "aws/endpoints.h"

namespace kite::aws {

Access::Services::Services(const Deps& deps, std::unique_ptr<CredentialsProvider> provider,
                           SignedCaller::Target ecs_target, SignedCaller::Target ec2_target,
                           SignedCaller::Target cloud_map_target)
    : credentials(std::move(provider), deps.client, deps.clock, deps.random, deps.log),
      ecs_caller(std::move(ecs_target), deps.client, credentials, deps.clock, deps.random),
      ec2_caller(std::move(ec2_target), deps.client, credentials, deps.clock, deps.random),
      cloud_map_caller(std::move(cloud_map_target), deps.client, credentials, deps.clock,
                       deps.random),
      ecs(ecs_caller),
      ec2(ec2_caller),
      cloud_map(cloud_map_caller) {}

Access::Access(const Deps& deps, const InstanceMetadataPlan& metadata_plan, Wishes wishes)
    : deps_(deps),
      wishes_(std::move(wishes)),
      instance_metadata_(metadata_plan, deps.client, deps.clock, deps.log),
      task_metadata_(deps.settings.environment(), deps.client),
      region_finder_(deps.settings, deps.client, task_metadata_, instance_metadata_) {}

void Access::open(OnOpen on_open) {
  on_open_ = std::move(on_open);
  region_call_ = region_finder_.find(
      wishes_.region, [this](const sys::Result<Region>& region) { on_region(region); });
}

void Access::on_region(const sys::Result<Region>& region) {
  if (!region.ok()) return on_open_(region.error());
  region_ = *region;
  deps_.log.info("region_found", {{"region", region_.name}, {"source", region_.source}});
  on_open_(build_services());
}

sys::Result<sys::Done> Access::build_services() {
  const auto ecs =
      resolve_endpoint(Service::ecs, region_.name, wishes_.endpoint_ecs, deps_.settings);
  if (!ecs.ok()) return ecs.error();
  const auto ec2 =
      resolve_endpoint(Service::ec2, region_.name, wishes_.endpoint_ec2, deps_.settings);
  if (!ec2.ok()) return ec2.error();
  const auto cloud_map = resolve_endpoint(Service::cloud_map, region_.name, "", deps_.settings);
  if (!cloud_map.ok()) return cloud_map.error();
  const auto role =
      order_role(wishes_.assume_role, wishes_.external_id, deps_.settings.environment());
  auto provider = choose_credentials({deps_.settings, region_.name, deps_.client,
                                      instance_metadata_, deps_.clock, deps_.random, deps_.log},
                                     role);
  services_ = std::make_unique<Services>(
      deps_, std::move(provider), SignedCaller::Target{Service::ecs, region_.name, *ecs},
      SignedCaller::Target{Service::ec2, region_.name, *ec2},
      SignedCaller::Target{Service::cloud_map, region_.name, *cloud_map});
  deps_.log.info("discovery_starting", {{"ecs", ecs->url},
                                        {"ec2", ec2->url},
                                        {"credentials", services_->credentials.source_name()}});
  return sys::Done{};
}

}  // namespace kite::aws
