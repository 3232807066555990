#pragma once

#include <string>

#include "admin/view.h"

namespace kite::admin {

struct Readiness {
  bool ready = false;
  std::string reason;  ///< one line for people, also when ready
};

/// Ready: every target has a backend, and no signal asked the kite to end. Pure.
Readiness judge_readiness(const View& view);

}  // namespace kite::admin
