#pragma once

#include <cstdint>
#include <string>

#include "sys/clock.h"

namespace kite::admin {

/// Numbers as people read them. Pure.

/// "0", "999", "12,345".
std::string grouped(uint64_t number);
/// "999 B", "1.2 kB", "45 MB": powers of 1000.
std::string bytes_text(uint64_t bytes);
/// "0.3 ms", "340 ms", "4.2 s", "12 s", "5 min", "3 h 5 min", "2 d 4 h". Less than none is none.
std::string duration_text(sys::Duration duration);

}  // namespace kite::admin
