#pragma once

#include <vector>

#include "tests/bench/load/channel.h"
#include "tests/bench/load/dialer.h"

namespace kite::load {

/// Connections that have answered once and then rest. One that does not answer ends the program.
std::vector<Channel> open_idle(Dialer& dialer, size_t count);

}  // namespace kite::load
