#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/backend_id.h"
#include "proxy/relay.h"
#include "sys/endpoint.h"
#include "sys/owned_fd.h"
#include "sys/recycled.h"
#include "sys/socket.h"

namespace kite::proxy {

enum class CloseReason : uint8_t {
  none,           ///< not closed
  finished,       ///< both sides sent FIN and everything was delivered
  client_reset,   ///< the client's connection failed or was reset
  backend_reset,  ///< the backend's connection failed or was reset
  port_closed,    ///< the target no longer has this port
  no_watch,       ///< the kernel registers no more descriptors
  idle_timeout,   ///< no traffic for as long as is allowed
  task_removed,   ///< the backend's task left, and its grace is over
  shutdown,       ///< the kite ends
};
std::string_view close_reason_name(CloseReason reason);

/// What the kernel has told us of a tunnel, apart from what we decided.
struct TunnelFacts {
  bool client_failed = false;
  bool backend_failed = false;
  bool client_to_backend_done = false;  ///< nothing more will come or can be delivered
  bool backend_to_client_done = false;
};

/// Pure: whether and why there is nothing left to move. A side that failed is not the end yet: what
/// was received from it before the failure still reaches the other side.
constexpr CloseReason verdict(const TunnelFacts& facts) {
  if (facts.client_failed && (facts.client_to_backend_done || facts.backend_failed)) {
    return CloseReason::client_reset;
  }
  if (facts.backend_failed && facts.backend_to_client_done) return CloseReason::backend_reset;
  const bool both_done = facts.client_to_backend_done && facts.backend_to_client_done;
  return both_done ? CloseReason::finished : CloseReason::none;
}

class Tunnel;

/// Who keeps the tunnels.
class TunnelOwner {
 public:
  virtual ~TunnelOwner() = default;
  /// The backend has reset the tunnel before a byte was taken from the client or given to it, so
  /// that another backend can serve it as well. Returns whether the owner takes the client back, by
  /// take_client() when the tunnel is closed, which is next.
  virtual bool wants_client_back(const Tunnel& tunnel) = 0;
  /// Called once per tunnel, last of all its calls. The owner hands the object to
  /// Reactor::destroy_later().
  virtual void on_tunnel_closed(Tunnel& tunnel, CloseReason reason) = 0;
};

/// Identity of a forwarded connection, for log lines and accounts.
struct ConnectionInfo {
  uint64_t id = 0;
  uint16_t listen_port = 0;
  bool was_held = false;  ///< it has waited for a backend to be known, and will not again
  uint8_t tries = 0;      ///< backends tried, 255 at most
  sys::Endpoint client;
  sys::Endpoint backend;              ///< the last one tried
  BackendId backend_id = kNoBackend;  ///< where it counts as load
  sys::SteadyTime accepted_at;        ///< of one that was held: when its wait was over
  sys::SteadyTime connected_at{};     ///< to the backend; the clock's zero while there is none
  uint32_t held_ms = 0;               ///< how long that wait was

  /// Empty while none was tried.
  std::string backend_text() const { return tries == 0 ? "" : backend.text(); }
};

/// A client and a backend joined: two relays back to back, one state.
/// Owns:      both sockets and their watches.
/// Lifetime:  reactor, resources and owner outlive it. After on_tunnel_closed it does nothing.
/// Thread:    reactor thread only.
/// Source:    half-close: RFC 9293 section 3.6; reset: section 3.5.3.
class Tunnel final : public event::Retirable, public sys::Recycled<Tunnel> {
 public:
  enum class State : uint8_t {
    relaying,
    salvaging,  ///< one side failed; the other is still being given what came before
    closed,
  };
  static constexpr bool may_become(State from, State to) {
    switch (from) {
      case State::relaying:
        return to == State::salvaging || to == State::closed;
      case State::salvaging:
        return to == State::closed;
      case State::closed:
        return false;
    }
    return false;
  }

  /// A peer that reads too slowly must not keep the remains of a reset connection for ever.
  static constexpr std::chrono::seconds kSalvageMax{5};
  /// How often the survivor's send queue is looked at: epoll does not tell when it is empty.
  static constexpr std::chrono::milliseconds kSalvageStep{20};

  Tunnel(event::Reactor& reactor, RelayResources& resources, TunnelOwner& owner,
         const ConnectionInfo& info, sys::OwnedFd client, sys::OwnedFd backend);
  ~Tunnel() override;

  /// Takes over the backend's registration with the edges it has already seen, registers the
  /// client and moves what is there. Returns false, with errno set, when the kernel refuses the
  /// registration; the tunnel must then be cut. May call on_tunnel_closed.
  [[nodiscard]] bool start(event::Watch& backend_watch, event::Events backend_events);
  /// For a tunnel that has lived a while: a backend that vanished without a word is noticed.
  /// Clients are probed from the start, by what their sockets inherited. Idempotent.
  void keep_alive(const sys::Liveness& liveness);
  /// For how long at least nothing has moved and no peer has made room.
  sys::Duration idle_for() const;
  /// Called every BulkReads::kStep while a source has a low-water mark. May call on_tunnel_closed.
  void on_bulk_step();
  /// Ends it from our side: both peers see a reset, never a FIN that could pass for completeness.
  void cut(CloseReason reason);

  /// Of a closed tunnel: the client, where the owner wanted it back; else none.
  sys::OwnedFd take_client() { return std::move(client_.fd); }

  const ConnectionInfo& info() const { return info_; }
  uint64_t client_to_backend_bytes() const { return client_.outward.bytes(); }
  uint64_t backend_to_client_bytes() const { return backend_.outward.bytes(); }

  size_t owner_index = 0;  ///< the owner's own bookkeeping

 private:
  struct Salvage;
  /// A socket, the relay that carries what its peer sends to the other side, and what is known.
  struct Side {
    Side(sys::OwnedFd socket, event::Reactor& reactor, event::Watch::OnReady on_ready)
        : fd(std::move(socket)), watch(reactor, on_ready) {}

    sys::OwnedFd fd;
    bool outward_done = false;  ///< nothing more will come from here, or can be delivered
    bool failed = false;
    bool muted = false;       ///< the watch does not tell of more to read
    bool marked = false;      ///< the socket has a low-water mark
    uint8_t still_steps = 0;  ///< bulk steps since bytes last moved
    event::Watch watch;
    Relay outward;
    uint64_t run_begin = 0;  ///< of outward.bytes(): where the other side last moved any
  };

  void on_client_ready(event::Events events) { on_ready(client_, backend_, events); }
  void on_backend_ready(event::Events events) { on_ready(backend_, client_, events); }
  void on_ready(Side& side, Side& other, event::Events events);
  void on_salvage_due();
  void advance();
  bool advance_from(Side& source, Side& sink);
  void note_moved(Side& source, Side& sink);
  bool has_mark() const { return client_.marked || backend_.marked; }
  void raise_mark(Side& side);
  void lower_mark(Side& side);
  static void note_edges(Side& side, Side& other, event::Events events);
  static void fail(Side& side, Side& other);
  static void mute(Side& side);
  static void unmute_when_dry(Side& side);
  TunnelFacts facts() const;
  bool is_untouched() const;
  bool survivor_has_everything() const;
  void keep_salvaging();
  void close(CloseReason reason);
  void transition_to(State next);
  /// Now, in steps of about a millisecond, so that it fits where there is room anyway. It wraps
  /// after 52 days, which only differences are asked of.
  uint32_t step_now() const {
    return static_cast<uint32_t>(reactor_.now().time_since_epoch().count() >> kStepShift);
  }
  static constexpr int kStepShift = 20;  // of nanoseconds

  event::Reactor& reactor_;
  RelayResources& resources_;
  TunnelOwner& owner_;
  ConnectionInfo info_;
  Side client_;
  Side backend_;
  std::unique_ptr<Salvage> salvage_;  // few tunnels ever need it
  uint32_t active_step_;
  State state_ = State::relaying;
  bool kept_alive_ = false;
};

}  // namespace kite::proxy
