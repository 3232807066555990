#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "event/timer_queue.h"

namespace kite::event {
class Reactor;
}

namespace kite::proxy {

class Tunnel;

/// The tunnels through which one long stream passes. The socket it comes from has a low-water mark:
/// the kernel wakes us for a large amount, for FIN and for a failure, no longer for every segment.
/// What stays below the mark would wait for ever, so each tunnel here is looked after every kStep,
/// and a mark that nothing has crossed since the last time is taken away.
/// Owns:      no tunnel; each leaves before it is destroyed.
/// Thread:    reactor thread only.
/// Lifetime:  the reactor outlives it.
/// Source:    socket(7), SO_RCVLOWAT; tcp_epollin_ready() in Linux. DESIGN 23
class BulkReads {
 public:
  static constexpr int kMarkBytes = 512 * 1024;
  /// So much must come from one side without a byte from the other: a stream that nobody answers.
  /// Its last bytes may wait for two steps, which is little beside the time that this much takes.
  static constexpr uint64_t kRunBytes = 32U << 20;
  static constexpr std::chrono::milliseconds kStep{1};
  static constexpr uint8_t kBlockedStepsMax = 100;  ///< for which a reader that stalls keeps a mark

  explicit BulkReads(event::Reactor& reactor);

  void add(Tunnel& tunnel);
  void remove(Tunnel& tunnel);
  size_t size() const { return tunnels_.size(); }

 private:
  void on_step();
  void wait_for_step();

  event::Reactor& reactor_;
  event::Timer step_;
  std::vector<Tunnel*> tunnels_;  // few: what takes part moves hundreds of MB each second
};

}  // namespace kite::proxy
