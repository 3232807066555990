#include "aws/place_search.h"

#include <utility>

#include "aws/endpoints.h"

namespace kite::aws {

PlaceSearch::PlaceSearch(TaskMetadataEndpoint& task_metadata, InstanceMetadata& instance_metadata,
                         PlaceQuestion question, OnPlace on_place)
    : instance_metadata_(instance_metadata), question_(question), on_place_(std::move(on_place)) {
  if (!task_metadata.present()) {
    ask_instance();
    return;
  }
  call_ = task_metadata.fetch(
      [this](const sys::Result<TaskMetadata>& metadata) { on_task_metadata(metadata); });
}

void PlaceSearch::on_task_metadata(const sys::Result<TaskMetadata>& metadata) {
  if (metadata.ok()) {
    const std::string& name = (*metadata).*question_.task_member;
    if (is_region(name)) return finish(Place{name, "task metadata"});
    note_reason("the task metadata endpoint named none");
  } else {
    note_reason(metadata.error().message);
  }
  ask_instance();
}

void PlaceSearch::ask_instance() {
  call_ = instance_metadata_.get(
      question_.instance_path,
      [this](const sys::Result<http::Response>& answer) { on_instance_answer(answer); });
}

void PlaceSearch::on_instance_answer(const sys::Result<http::Response>& answer) {
  if (answer.ok() && answer->status == 200 && is_region(answer->body)) {
    return finish(Place{answer->body, "instance metadata"});
  }
  note_reason(answer.ok() ? "the instance metadata service named none" : answer.error().message);
  finish(sys::Error{std::move(reasons_)});
}

void PlaceSearch::note_reason(std::string_view reason) {
  if (!reasons_.empty()) reasons_ += "; ";
  reasons_ += reason;
}

void PlaceSearch::finish(sys::Result<Place> place) {
  const OnPlace on_place = std::move(on_place_);
  on_place(std::move(place));  // last statement: may destroy *this
}

std::unique_ptr<Call> find_own_zone(TaskMetadataEndpoint& task_metadata,
                                    InstanceMetadata& instance_metadata, OnPlace on_zone) {
  return std::make_unique<PlaceSearch>(
      task_metadata, instance_metadata,
      PlaceQuestion{&TaskMetadata::availability_zone,
                    "/latest/meta-data/placement/availability-zone"},
      std::move(on_zone));
}

}  // namespace kite::aws
