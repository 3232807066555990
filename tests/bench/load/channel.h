#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "sys/owned_fd.h"
#include "tests/bench/load/order.h"

namespace kite::load {

/// One end of a connection and both its streams, made and checked with the pattern; the server and
/// every client use it.
/// Owns:      the socket.
/// Errors:    results say what happened; the caller closes.
/// Invariant: every byte counted by received() was right.
class Channel {
 public:
  enum class Step : uint8_t {
    moved,        ///< some bytes, perhaps not all
    would_block,  ///< none: wait for the socket
    ended,        ///< the peer's end of stream
    failed,       ///< a reset or another error of the socket
    corrupt,      ///< bytes that nobody sent
  };

  /// A client's end writes the order, then the request stream, and reads the answers.
  static Channel client(sys::OwnedFd fd, const Order& order);
  /// A server's end, whose order was read, the other way.
  static Channel server(sys::OwnedFd fd, const Order& order);

  int fd() const { return fd_.get(); }
  uint64_t sent() const { return sent_; }
  uint64_t received() const { return received_; }
  /// Bytes that are still to be sent, the order not counted.
  uint64_t owed() const { return owed_; }
  bool has_to_send() const { return owed_ != 0 || !ordered_; }
  void owe(uint64_t bytes) { owed_ += bytes; }

  /// One send of what is owed, behind the order if that was not sent yet.
  Step send_some();
  /// One receive of at most `bytes_max`, or a chunk.
  Step receive_some(uint64_t bytes_max = UINT64_MAX);
  /// Counts bytes that were received elsewhere; false if they are wrong.
  bool take(std::span<const uint8_t> bytes);

 private:
  Channel(sys::OwnedFd fd, const Order& order, uint64_t out_start, uint64_t in_start, bool ordered)
      : fd_(std::move(fd)),
        order_(order),
        ordered_(ordered),
        out_start_(out_start),
        in_start_(in_start) {}
  Step send_order();

  sys::OwnedFd fd_;
  Order order_;
  bool ordered_;
  uint64_t out_start_;
  uint64_t in_start_;
  uint64_t owed_ = 0;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
};

/// One receive of anything. Fills `got` with the bytes, which stay until the next receive of any
/// socket; empty unless the step is moved.
Channel::Step receive_raw(int fd, uint64_t bytes_max, std::span<const uint8_t>& got);

}  // namespace kite::load
