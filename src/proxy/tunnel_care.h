#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/backend_id.h"
#include "proxy/owned_set.h"
#include "proxy/tunnel.h"
#include "sys/clock.h"
#include "sys/socket.h"

namespace kite::proxy {

/// What is done for tunnels from time to time, so that nothing has to be done at every event: their
/// backends are probed once they have lived a while, those without traffic end, and so do those
/// whose task has left. Each walk over the tunnels takes a bite a turn. DESIGN 48
/// Lifetime:  reactor and tunnels outlive it.
/// Thread:    reactor thread only.
class TunnelCare {
 public:
  struct Options {
    sys::Liveness liveness;
    sys::Duration idle_timeout{0};               ///< 0: never
    std::optional<sys::Duration> removed_grace;  ///< absent: connections outlive their task's leave
  };
  /// Whether the backend is in the set of now.
  using IsListed = std::function<bool(BackendId)>;

  TunnelCare(event::Reactor& reactor, OwnedSet<Tunnel>& tunnels, const Options& options,
             IsListed is_listed);

  void note_opened(const Tunnel& tunnel);
  /// The set of backends may have changed.
  void note_snapshot();
  void stop();

 private:
  /// Most tunnels end before probing their backend would matter, and are spared its system calls.
  static constexpr std::chrono::seconds kKeepAliveAfter{10};
  static constexpr size_t kTunnelsPerTurn = 128;
  /// How late an idle tunnel may end, as a part of its time, and at most.
  static constexpr int kIdleLatenessDivisor = 8;
  static constexpr std::chrono::seconds kIdleLatenessMax{1};
  /// Tunnel::idle_for() may say so much less than it is.
  static constexpr std::chrono::milliseconds kIdleSlack{3};

  /// One walk over all tunnels, from the back to the front: one that ends meanwhile is replaced by
  /// one from behind, which has had its turn or is young.
  struct Walk {
    size_t left = 0;
    bool under_way = false;
  };
  template <typename Visit>
  bool walk(Walk& walk, const Visit& visit);

  void keep_alive();
  void end_idle();
  void find_removed();
  void end_removed();
  sys::Duration idle_lateness() const;

  event::Reactor& reactor_;
  OwnedSet<Tunnel>& tunnels_;
  const Options options_;
  IsListed is_listed_;
  event::Timer keep_alive_timer_;
  event::Timer idle_timer_;
  event::Timer removed_timer_;
  Walk keep_alive_walk_;
  Walk idle_walk_;
  Walk removed_walk_;
  sys::SteadyTime removed_walk_began_;
  sys::Duration idle_least_left_{};
  /// When backends left that had connections. A number that is given to another backend is no
  /// longer here: that happens with a new set, which is compared with what it finds.
  std::unordered_map<BackendId, sys::SteadyTime> departures_;
  bool opened_since_keep_alive_ = false;
};

}  // namespace kite::proxy
