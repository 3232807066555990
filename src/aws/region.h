#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "aws/call_error.h"
#include "aws/instance_metadata.h"
#include "aws/place_search.h"
#include "aws/settings.h"
#include "aws/task_metadata.h"
#include "http/http_client.h"
#include "sys/result.h"

namespace kite::aws {

/// Its name is a host label, so it can go into endpoint names; its source may be "AWS_REGION".
using Region = Place;

/// What flag, environment and profile say; nothing when they are silent, an error when what they
/// say cannot be a region. Pure.
sys::Result<std::optional<Region>> configured_region(std::string_view flag,
                                                     const Settings& settings);

using OnRegion = OnPlace;

/// Finds the region: flag, AWS_REGION, AWS_DEFAULT_REGION, profile, task metadata, instance
/// metadata.
/// Unlike credentials, a place that fails is passed over: all of them name the same region.
/// Lifetime:  everything given outlives it; it outlives its Calls.
/// Errors:    a sentence that says which places were asked and what to set.
class RegionFinder {
 public:
  RegionFinder(const Settings& settings, http::Client& client, TaskMetadataEndpoint& task_metadata,
               InstanceMetadata& instance_metadata);
  /// The settings are kept, so they must not be made of an environment on the way here.
  RegionFinder(Settings&&, http::Client&, TaskMetadataEndpoint&, InstanceMetadata&) = delete;

  /// The callback is never called from within find().
  [[nodiscard]] std::unique_ptr<Call> find(std::string_view flag, OnRegion on_region);

 private:
  const Settings& settings_;
  http::Client& client_;
  TaskMetadataEndpoint& task_metadata_;
  InstanceMetadata& instance_metadata_;
};

}  // namespace kite::aws
