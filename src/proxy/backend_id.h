#pragma once

#include <cstdint>

namespace kite::proxy {

/// A backend's place in the BackendTable. Valid while a set lists it or a connection counts on it.
using BackendId = uint32_t;
constexpr BackendId kNoBackend = UINT32_MAX;

}  // namespace kite::proxy
