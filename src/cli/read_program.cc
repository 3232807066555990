#include "cli/readers.h"

namespace kite::cli {

Problem read_program(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::sandbox);
  if (value == nullptr) return std::nullopt;
  if (value->text == "on") {
    config.sandbox = SandboxMode::on;
  } else if (value->text == "require") {
    config.sandbox = SandboxMode::require;
  } else if (value->text == "off") {
    config.sandbox = SandboxMode::off;
  } else {
    return wrong(*value, "write on, require or off, " + such_as(*value, "on"));
  }
  return std::nullopt;
}

}  // namespace kite::cli
