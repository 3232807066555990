#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "sys/owned_fd.h"
#include "sys/result.h"
#include "sys/stream_address.h"

namespace kite::sys {

/// A client's side of a stream that waits, for commands that ask one question and end. Nothing in
/// the running proxy may use it.
/// Errors:    sentences that name the address and what the kernel said.
/// Source:    SO_RCVTIMEO and SO_SNDTIMEO bound connect, send and receive: socket(7).
class BlockingSocket {
 public:
  /// Each step waits at most `patience`.
  static Result<BlockingSocket> connect(const StreamAddress& address,
                                        std::chrono::milliseconds patience);

  /// Sends all of `request` and takes what comes until the end, at most `bytes_max` of it.
  Result<std::string> exchange(std::string_view request, size_t bytes_max);

 private:
  BlockingSocket(OwnedFd fd, std::string peer) : fd_(std::move(fd)), peer_(std::move(peer)) {}
  Error problem(const char* step, int code) const;

  OwnedFd fd_;
  std::string peer_;
};

}  // namespace kite::sys
