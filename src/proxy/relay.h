#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sys/pipe.h"

namespace kite::proxy {

/// What all relays share, because only one of them moves bytes at a time.
struct RelayResources {
  sys::PipePool& pipes;
  std::span<std::byte> copy_buffer;  ///< for the copy path; holds nothing between calls
};

/// The two sockets of one direction, borrowed for one call.
struct RelayEnds {
  int source_fd = -1;
  int sink_fd = -1;
};

/// One direction of a tunnel: bytes leave the source, rest in a kernel pipe, reach the sink.
/// Owns:      the pipe while bytes are in flight; neither socket.
/// Thread:    reactor thread only.
/// Invariant: after advance() a pipe is held only if bytes rest in it; an idle direction costs
///            neither a descriptor nor a buffer.
/// Errors:    never throws; advance() reports, Tunnel decides.
/// Source:    splice(2), pipe(7), tcp(7).
class Relay {
 public:
  enum class Step : uint8_t {
    waiting,        ///< needs an edge: the source to become readable or the sink writable
    budget_spent,   ///< could go on, but others shall have their turn
    end_of_stream,  ///< the source's FIN was seen and every byte before it is with the sink
    source_failed,  ///< every byte received before the failure is with the sink
    sink_failed,
  };

  /// Bounds one call, and so how long the others wait: fills of up to one pipe each.
  static constexpr int kRoundsPerTurn = 4;

  /// Edges as epoll reports them. Both are forgotten only when the kernel says EAGAIN.
  void note_source_readable() { source_readable_ = true; }
  void note_sink_writable() { sink_writable_ = true; }
  /// TCP urgent data came: from now on this direction copies. splice(2) stops at the urgent mark
  /// for ever (EAGAIN, or 0 once FIN is there); recv(2) goes past it. The urgent byte itself is
  /// forwarded in line.
  void note_source_urgent(int source_fd);

  /// Moves what can be moved now. Not to be called again after end_of_stream, source_failed,
  /// sink_failed or abandon().
  Step advance(const RelayEnds& ends, RelayResources& resources);
  /// Drops what is in flight. Required before destruction if advance() left bytes in a pipe.
  void abandon(sys::PipePool& pipes);

  uint64_t bytes() const { return bytes_; }  ///< given to the sink so far

 private:
  enum class Move : uint8_t { moved, would_block, end_of_stream, failed };
  /// Why the rounds cannot go on; empty while they can.
  using Stop = std::optional<Step>;

  Step advance_rounds(const RelayEnds& ends, RelayResources& resources);
  Stop drain_pipe(int sink_fd);
  Stop splice_once(const RelayEnds& ends);
  Stop copy_once(const RelayEnds& ends, std::span<std::byte> buffer);
  bool at_urgent_mark(int source_fd);
  Move fill(int source_fd);
  Move drain(int sink_fd);

  sys::Pipe pipe_;
  uint64_t bytes_ = 0;
  bool source_readable_ = false;
  bool copies_always_ = false;
  bool sink_writable_ = true;  // a connected socket has room until it says otherwise
};

}  // namespace kite::proxy
