#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aws/call_error.h"
#include "aws/instance_metadata.h"
#include "aws/task_metadata.h"
#include "sys/result.h"

namespace kite::aws {

/// A word about where the kite runs, and who said it.
struct Place {
  std::string name;
  std::string source;  ///< for logs: "task metadata"
  bool operator==(const Place&) const = default;
};

/// What to ask for, of either metadata service.
struct PlaceQuestion {
  std::string TaskMetadata::*task_member = nullptr;
  std::string_view instance_path;
};

using OnPlace = std::function<void(sys::Result<Place>)>;

/// Asks the task's metadata, then the instance's: both know, and one that fails is passed over.
/// Lifetime:  the services outlive it; destroying it inside the callback is fine.
/// Errors:    why neither helped, as sentences joined by "; ". What is no label of a host name
///            (lower-case letters, digits, '-') is no answer.
class PlaceSearch final : public Call {
 public:
  PlaceSearch(TaskMetadataEndpoint& task_metadata, InstanceMetadata& instance_metadata,
              PlaceQuestion question, OnPlace on_place);

 private:
  void on_task_metadata(const sys::Result<TaskMetadata>& metadata);
  void ask_instance();
  void on_instance_answer(const sys::Result<http::Response>& answer);
  void note_reason(std::string_view reason);
  void finish(sys::Result<Place> place);

  InstanceMetadata& instance_metadata_;
  const PlaceQuestion question_;
  OnPlace on_place_;
  std::string reasons_;
  std::unique_ptr<Call> call_;
};

/// Finds the availability zone that the kite runs in. The callback is never called from within.
[[nodiscard]] std::unique_ptr<Call> find_own_zone(TaskMetadataEndpoint& task_metadata,
                                                  InstanceMetadata& instance_metadata,
                                                  OnPlace on_zone);

}  // namespace kite::aws
