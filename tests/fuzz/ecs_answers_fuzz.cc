#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/ecs_wire.h"
#include "aws/error_answer.h"
#include "sys/check.h"

namespace {

using namespace kite::aws;

void check_range(const PortRange& range) {
  KITE_CHECK(range.first >= 1 && range.first <= range.last, "ranges that are kept are ports");
}

void check_task(const Task& task) {
  KITE_CHECK(!task.arn.empty(), "a task without an ARN is left out");
  for (const Container& container : task.containers) {
    for (const PortBinding& binding : container.bindings) {
      check_range(binding.container);
      check_range(binding.host);
      KITE_CHECK(binding.container.last - binding.container.first ==
                     binding.host.last - binding.host.first,
                 "both ranges of a binding are of one length");
      KITE_CHECK(!binding.protocol.empty(), "an absent protocol is tcp");
    }
  }
}

void check_error(std::string_view body) {
  const kite::http::Response response{400, {}, std::string(body)};
  const ErrorAnswer answer = read_error_answer(WireFormat::json, response);
  CallError error;
  error.operation = "ecs:ListTasks";
  error.code = answer.code;
  error.error_class = classify_error(error.operation, error.code, response.status);
  const std::string sentence = explain_error(error, answer.message);
  KITE_CHECK(sentence.size() < 1000, "sentences are bounded");
  for (const char c : sentence) KITE_CHECK(c < 0 || c >= ' ', "sentences are one line");
}

}  // namespace

/// Every reader gets the same text: hostile is hostile whichever call it answers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto page = parse_task_page(body);
  if (page.ok()) {
    for (const auto& arn : page->task_arns) KITE_CHECK(!arn.empty(), "listed tasks have ARNs");
  }
  const auto tasks = parse_tasks(body);
  if (tasks.ok()) {
    for (const Task& task : tasks->items) check_task(task);
  }
  const auto instances = parse_container_instances(body);
  if (instances.ok()) {
    for (const auto& instance : instances->items) {
      KITE_CHECK(!instance.arn.empty(), "an instance without an ARN is left out");
    }
  }
  const auto definition = parse_task_definition(body);
  if (definition.ok()) {
    for (const auto& [name, ports] : definition->ports_by_container) {
      KITE_CHECK(!name.empty(), "a container without a name is left out");
      for (const DefinitionPort& port : ports) check_range(port.container);
    }
  }
  const auto rollout = parse_service_rollout(body);
  if (rollout.ok()) KITE_CHECK(rollout->primary_definition_arn.size() <= size, "quoted from it");
  if (const auto range = parse_port_range(body)) check_range(*range);
  check_error(body);
  return 0;
}
