#include "cli/readers.h"

namespace kite::cli {

sys::StreamAddress default_admin_address() {
  return sys::StreamAddress::parse(flag_spec(FlagId::admin).default_text).value();
}

Problem read_admin(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::admin);
  if (value == nullptr) return std::nullopt;
  config.admin_given = true;
  if (value->text == "off") {
    config.admin.reset();
    return std::nullopt;
  }
  const auto address = sys::StreamAddress::parse(value->text);
  if (!address.ok()) {
    return wrong(*value, address.error().message + ", " + such_as(*value, "127.0.0.1:9902") + ", " +
                             value->origin + "=unix:/run/kite.sock or " + value->origin + "=off");
  }
  config.admin = *address;
  return std::nullopt;
}

}  // namespace kite::cli
