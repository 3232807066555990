#include "cli/readers.h"

namespace kite::cli {

Problem read_logging(const RawFlags& raw, Config& config) {
  if (const RawValue* value = raw.last(FlagId::log_level)) {
    const auto level = sys::parse_log_level(value->text);
    if (!level.ok()) return wrong(*value, "it " + level.error().message);
    config.log_level = level.value();
  }
  if (const RawValue* value = raw.last(FlagId::log_format)) {
    const auto format = sys::parse_log_format(value->text);
    if (!format.ok()) return wrong(*value, "it " + format.error().message);
    config.log_format = format.value();
  }
  config.access_log = raw.is_true(FlagId::access_log);
  return std::nullopt;
}

}  // namespace kite::cli
