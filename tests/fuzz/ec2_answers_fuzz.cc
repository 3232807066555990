#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/ec2_wire.h"
#include "aws/error_answer.h"
#include "sys/check.h"

/// Every reader gets the same text: hostile is hostile whichever call it answers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kite::aws;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto instances = parse_instances(body);
  if (instances.ok()) {
    for (const Instance& instance : instances->instances) {
      KITE_CHECK(!instance.id.empty(), "an instance without an id is left out");
    }
  }
  const auto interfaces = parse_network_interfaces(body);
  if (interfaces.ok()) {
    for (const NetworkInterface& interface : interfaces->interfaces) {
      KITE_CHECK(!interface.id.empty(), "an interface without an id is left out");
    }
  }
  KITE_CHECK(!instances.ok() || !interfaces.ok(), "one document answers one call");
  const kite::http::Response response{400, {}, std::string(body)};
  const ErrorAnswer answer = read_error_answer(WireFormat::xml, response);
  CallError error;
  error.operation = "ec2:DescribeInstances";
  error.code = answer.code;
  error.error_class = classify_error(error.operation, error.code, response.status);
  KITE_CHECK(explain_error(error, answer.message).size() < 1000, "sentences are bounded");
  return 0;
}
