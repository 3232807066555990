#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/tunnel.h"
#include "sys/log.h"

namespace kite::proxy {

/// One line for each client of a target, when it is gone: what an operator, or a program, asks
/// about single connections. Off by default, because a busy kite would write thousands a second.
/// Lifetime:  the logger outlives it.
/// Errors:    none; lines that nobody takes are counted by the logger.
class AccessLog {
 public:
  /// How a client fared, besides what ConnectionInfo tells.
  struct Outcome {
    std::string_view reason;     ///< why it ended
    int64_t duration_ms = 0;     ///< since it was accepted
    std::string_view task = {};  ///< of the backend; empty when none was connected
    std::string_view zone = {};
    uint64_t in_bytes = 0;   ///< from the client
    uint64_t out_bytes = 0;  ///< to it
    std::string error = {};  ///< of the last attempt, when none worked
  };

  AccessLog(sys::Logger& log, std::string target) : log_(log), target_(std::move(target)) {}

  void note(const ConnectionInfo& info, const Outcome& outcome);

 private:
  sys::Logger& log_;
  const std::string target_;
};

}  // namespace kite::proxy
