#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sys/pipe.h"

namespace kite::proxy {

class BulkReads;

/// What all relays share, because only one of them moves bytes at a time.
struct RelayResources {
  sys::PipePool& pipes;
  std::span<std::byte> copy_buffer;  ///< for the copy path; holds nothing between calls
  BulkReads& bulk_reads;             ///< for the tunnels that relays make up
};

/// The two sockets of one direction, borrowed for one call.
struct RelayEnds {
  int source_fd = -1;
  int sink_fd = -1;
};

/// One direction of a tunnel: bytes leave the source and reach the sink, small amounts through the
/// shared buffer, large ones through a kernel pipe. DESIGN 5
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

  /// Bounds one call, and so how long the others wait. One pipe of more still counts as one bite.
  static constexpr int kRoundsPerTurn = 4;
  static constexpr size_t kBytesPerTurn = 256 * 1024;
  /// Splices of less than this are what copying would have done cheaper; after so many in a row
  /// the direction copies again.
  static constexpr size_t kSmallSpliceBytes = 16 * 1024;
  static constexpr uint8_t kSmallSplicesMax = 8;

  /// Edges as epoll reports them. Both are forgotten only when the kernel has no more to give or
  /// to take.
  void note_source_readable() { source_readable_ = true; }
  void note_sink_writable() { sink_writable_ = true; }
  /// The source's FIN or failure is known to be here: reads go on until they show it.
  void note_source_ended() { source_ended_ = true; }
  /// TCP urgent data came: from now on this direction copies. splice(2) stops at the urgent mark
  /// for ever (EAGAIN, or 0 once FIN is there); recv(2) goes past it. The urgent byte itself is
  /// forwarded in line (SO_OOBINLINE).
  void note_source_urgent();

  /// Moves what can be moved now. Not to be called again after end_of_stream, source_failed,
  /// sink_failed or abandon().
  Step advance(const RelayEnds& ends, RelayResources& resources);
  /// Drops what is in flight. Required before destruction if advance() left bytes in a pipe.
  void abandon(sys::PipePool& pipes);

  uint64_t bytes() const { return bytes_; }  ///< given to the sink so far
  /// Bytes rest in the pipe until the sink is writable; nothing is read meanwhile.
  bool blocked_by_sink() const { return !pipe_.empty() && !sink_writable_; }
  /// Whatever the source has sent is still in its own queue, its end included.
  bool took_nothing() const { return bytes_ == 0 && pipe_.empty() && !source_ended_; }
  bool source_readable() const { return source_readable_; }
  bool splices() const { return way_ == Way::splice; }

 private:
  enum class Way : uint8_t {
    copy,         ///< small messages: two system calls each
    splice,       ///< bulk
    copy_always,  ///< urgent data was seen
  };
  enum class Move : uint8_t { moved, would_block, end_of_stream, failed };
  /// Why the rounds cannot go on; empty while they can.
  using Stop = std::optional<Step>;

  Step advance_rounds(const RelayEnds& ends, RelayResources& resources);
  Stop drain_pipe(int sink_fd);
  Stop splice_once(const RelayEnds& ends);
  Stop copy_once(const RelayEnds& ends, RelayResources& resources);
  Stop copy_through_spare(const RelayEnds& ends, RelayResources& resources);
  Stop copy_in_place(const RelayEnds& ends, std::span<std::byte> buffer);
  Stop no_bytes_from_source(ssize_t result);
  Stop send_failed();
  void note_received(size_t received_bytes, size_t asked_bytes);
  void note_bulk();
  void note_spliced(size_t spliced_bytes);
  bool at_urgent_mark(int source_fd);
  Move fill(int source_fd);
  Move drain(int sink_fd);

  sys::Pipe pipe_;
  uint64_t bytes_ = 0;
  Way way_ = Way::copy;
  uint8_t small_splices_ = 0;  // in a row
  bool source_readable_ = false;
  bool source_ended_ = false;
  bool sink_writable_ = true;  // a connected socket has room until it says otherwise
};

}  // namespace kite::proxy
