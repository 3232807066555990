// Answers of Cloud Map, from anybody: read or refused, and what is read can be chosen from.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aws/cloud_map_wire.h"
#include "discovery/instance_filter.h"
#include "sys/check.h"

namespace {

using namespace kite;

void check_choice(const aws::RegisteredInstances& answer, std::vector<uint16_t> ports) {
  discovery::RegisteredById by_id;
  for (const aws::RegisteredInstance& instance : answer.instances) {
    KITE_CHECK(!instance.id.empty(), "an answer with a nameless instance is refused");
    by_id[instance.id] = instance;
  }
  discovery::Target target;
  target.cluster.clear();
  target.ports = std::move(ports);
  const discovery::Selection selection = discovery::select_instances(by_id, target);
  KITE_CHECK(selection.snapshot.tasks().size() + selection.exclusions.size() == by_id.size(),
             "every instance serves or has a reason why not");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)aws::parse_instances_revision(body).ok();
  const auto answer = aws::parse_registered_instances(body);
  if (!answer.ok()) return 0;
  check_choice(*answer, {});
  check_choice(*answer, {80});
  check_choice(*answer, {80, 443});
  return 0;
}
