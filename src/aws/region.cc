#include "aws/region.h"

#include <utility>

#include "aws/call_later.h"
#include "aws/endpoints.h"

namespace kite::aws {

namespace {

sys::Result<std::optional<Region>> checked(std::string name, std::string source) {
  if (is_region(name)) return std::optional(Region{std::move(name), std::move(source)});
  return sys::Error{source + " is not a region; regions look like eu-west-1"};
}

}  // namespace

sys::Result<std::optional<Region>> configured_region(std::string_view flag,
                                                     const Settings& settings) {
  if (!flag.empty()) return checked(std::string(flag), "-region");
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const auto value = settings.get(variable, "")) return checked(value->text, value->origin);
  }
  if (const auto value = settings.get("", "region")) return checked(value->text, value->origin);
  return std::optional<Region>();
}

RegionFinder::RegionFinder(const Settings& settings, http::Client& client,
                           TaskMetadataEndpoint& task_metadata, InstanceMetadata& instance_metadata)
    : settings_(settings),
      client_(client),
      task_metadata_(task_metadata),
      instance_metadata_(instance_metadata) {}

std::unique_ptr<Call> RegionFinder::find(std::string_view flag, OnRegion on_region) {
  const sys::Result<std::optional<Region>> configured = configured_region(flag, settings_);
  if (configured.ok() && !configured->has_value()) {
    return std::make_unique<PlaceSearch>(
        task_metadata_, instance_metadata_,
        PlaceQuestion{&TaskMetadata::region, "/latest/meta-data/placement/region"},
        [on_region = std::move(on_region)](sys::Result<Region> region) {
          if (region.ok()) return on_region(std::move(region));
          on_region(sys::Error{"the region is not known: set -region or AWS_REGION; " +
                               region.error().message});
        });
  }
  return call_later(client_, [on_region = std::move(on_region), configured] {
    if (!configured.ok()) return on_region(configured.error());
    on_region(**configured.operator->());
  });
}

}  // namespace kite::aws
