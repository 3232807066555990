#pragma once

#include <cstdint>
#include <vector>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/balancer.h"
#include "proxy/tunnel.h"
#include "snapshot/snapshot_cell.h"
#include "sys/endpoint.h"
#include "sys/owned_fd.h"
#include "sys/recycled.h"

namespace kite::proxy {

class Connector;

/// Why a client could not be given a backend.
enum class ConnectFailure : uint8_t {
  no_backend,  ///< nothing serves the port
  exhausted,   ///< every attempt allowed failed
  deadline,    ///< time for all attempts is over
};
std::string_view connect_failure_name(ConnectFailure failure);

/// Who waits for the backend. Exactly one of on_connected and on_connect_failed is called, last.
class ConnectorOwner {
 public:
  virtual ~ConnectorOwner() = default;
  /// The owner takes both sockets and the watch's registration out of the connector.
  virtual void on_connected(Connector& connector, event::Events backend_events) = 0;
  virtual void on_connect_failed(Connector& connector, ConnectFailure failure) = 0;
  /// One attempt failed (errno, ETIMEDOUT for our own time limit); another may follow.
  virtual void on_attempt_failed(const Connector& connector, int code) = 0;
};

/// Finds a backend for one accepted client. Nothing is read from the client meanwhile, so a retry
/// on another backend loses nothing.
/// Owns:      the client and the backend being connected.
/// Lifetime:  everything it refers to outlives it; retired by its owner.
/// Errors:    reported to the owner; a local lack of descriptors, memory or ports is waited out
///            within the deadline and blames no backend.
/// Source:    connect(2), EINPROGRESS.
class Connector final : public event::Retirable, public sys::Recycled<Connector> {
 public:
  struct Limits {
    std::chrono::milliseconds attempt_timeout{1000};
    std::chrono::milliseconds deadline{10000};  ///< for all attempts, from accept
    uint32_t retries = 3;                       ///< further backends after the first
  };
  static constexpr std::chrono::milliseconds kShortagePause{50};

  Connector(event::Reactor& reactor, const snapshot::SnapshotCell& cell, Balancer& balancer,
            const Limits& limits, ConnectorOwner& owner, const ConnectionInfo& info,
            uint16_t container_port, sys::OwnedFd client);

  /// Makes the first attempt. May call the owner.
  void start();
  /// Gives up from our side: the client is reset, the owner is not told.
  void cut();

  /// The backend is that of the last attempt.
  const ConnectionInfo& info() const { return info_; }
  /// errno of the last attempt that failed; 0 while none has.
  int last_error() const { return last_error_; }
  sys::OwnedFd take_client() { return std::move(client_); }
  sys::OwnedFd take_backend() { return std::move(backend_); }
  event::Watch& backend_watch() { return backend_watch_; }

  size_t owner_index = 0;  ///< the owner's own bookkeeping

 private:
  enum class Attempt : uint8_t {
    under_way,
    failed,
    no_way_there,      ///< no local address or port towards this backend; another may do
    short_of_handles,  ///< no descriptor or memory for any
  };

  void try_next();
  Attempt attempt(const sys::Endpoint& endpoint);
  void on_backend_ready(event::Events events);
  void on_due();
  void pause();
  void note_failure(int code);
  void start_timer(sys::Duration wait);
  void finish(ConnectFailure failure);

  event::Reactor& reactor_;
  const snapshot::SnapshotCell& cell_;
  Balancer& balancer_;
  const Limits& limits_;
  ConnectorOwner& owner_;
  ConnectionInfo info_;
  uint16_t container_port_;
  sys::OwnedFd client_;
  sys::OwnedFd backend_;
  event::Watch backend_watch_;
  event::Timer timer_;
  std::vector<sys::Endpoint> tried_;  // stays empty, and unallocated, while nothing fails
  uint32_t failures_ = 0;             // of backends; what we lack is not counted
  int last_error_ = 0;
  bool lacked_way_ = false;  // some of tried_ are there for no fault of their own
};

}  // namespace kite::proxy
