#pragma once

#include <optional>
#include <string>

#include "sys/stream_address.h"

namespace kite::cli {

/// What the running kite says of itself.
struct HealthAnswer {
  bool ready = false;
  std::string message;  ///< one line for people: the kite's reason, or why there is none
};

/// Asks the kite that serves `admin` (nothing: none does) for /readyz. Waits a few seconds at most.
HealthAnswer ask_health(const std::optional<sys::StreamAddress>& admin);

/// What an answer to GET /readyz means. Pure.
HealthAnswer read_health_answer(std::string_view answer);

}  // namespace kite::cli
