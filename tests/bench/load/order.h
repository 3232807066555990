#pragma once

#include <cstdint>

namespace kite::load {

/// What a client wants of the server, sent as the first bytes of every connection. Both are one
/// program on one machine, so the bytes are those of memory.
struct Order {
  static constexpr uint32_t kMagic = 0x6b697465;

  uint32_t magic = kMagic;
  uint32_t request_bytes = 1;  ///< after so many bytes received (never 0) ...
  uint32_t answer_bytes = 1;   ///< ... so many are sent; 0 makes the server a sink
  uint32_t is_source = 0;      ///< not 0: the server sends without being asked, for ever
  uint64_t seed = 0;           ///< where both streams begin in the pattern
  /// Not 0: at the client's end of stream the server sends how many bytes it got (8 bytes), then
  /// ends its own. 0: it just closes.
  uint64_t wants_receipt = 0;
};
static_assert(sizeof(Order) == 32);

using Receipt = uint64_t;

}  // namespace kite::load
