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
                                                     const sys::Environment& environment) {
  if (!flag.empty()) return checked(std::string(flag), "-region");
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (auto value = environment.get_non_empty(variable)) return checked(*value, variable);
  }
  return std::optional<Region>();
}

class RegionFinder::Search final : public Call {
 public:
  Search(RegionFinder& finder, OnRegion on_region)
      : finder_(finder), on_region_(std::move(on_region)) {
    if (!finder_.task_metadata_.present()) {
      ask_instance();
      return;
    }
    call_ = finder_.task_metadata_.fetch(
        [this](const sys::Result<TaskMetadata>& metadata) { on_task_metadata(metadata); });
  }

 private:
  void on_task_metadata(const sys::Result<TaskMetadata>& metadata) {
    if (metadata.ok()) return finish(Region{metadata->region, "task metadata"});
    reasons_ = "; " + metadata.error().message;
    ask_instance();
  }

  void ask_instance() {
    call_ = finder_.instance_metadata_.get(
        "/latest/meta-data/placement/region",
        [this](const sys::Result<http::Response>& answer) { on_instance_answer(answer); });
  }

  void on_instance_answer(const sys::Result<http::Response>& answer) {
    if (answer.ok() && answer->status == 200 && is_region(answer->body)) {
      return finish(Region{answer->body, "instance metadata"});
    }
    reasons_ += "; ";
    reasons_ += answer.ok() ? "the instance metadata service named none" : answer.error().message;
    finish(sys::Error{"the region is not known: set -region or AWS_REGION" + reasons_});
  }

  void finish(sys::Result<Region> region) {
    const OnRegion on_region = std::move(on_region_);
    on_region(std::move(region));  // last statement: may destroy *this
  }

  RegionFinder& finder_;
  OnRegion on_region_;
  std::string reasons_;
  std::unique_ptr<Call> call_;
};

RegionFinder::RegionFinder(const sys::Environment& environment, http::Client& client,
                           TaskMetadataEndpoint& task_metadata, InstanceMetadata& instance_metadata)
    : environment_(environment),
      client_(client),
      task_metadata_(task_metadata),
      instance_metadata_(instance_metadata) {}

std::unique_ptr<Call> RegionFinder::find(std::string_view flag, OnRegion on_region) {
  const sys::Result<std::optional<Region>> configured = configured_region(flag, environment_);
  if (configured.ok() && !configured->has_value()) {
    return std::make_unique<Search>(*this, std::move(on_region));
  }
  return call_later(client_, [on_region = std::move(on_region), configured] {
    if (!configured.ok()) return on_region(configured.error());
    on_region(**configured.operator->());
  });
}

}  // namespace kite::aws
