#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/balancer.h"
#include "proxy/proxy_header.h"
#include "proxy/tunnel.h"
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
  /// The owner takes both sockets and the watch's registration out of the connector, and the load
  /// on the backend with info().
  virtual void on_connected(Connector& connector, event::Events backend_events) = 0;
  /// The client has been reset, except with no_backend: then the owner takes it.
  virtual void on_connect_failed(Connector& connector, ConnectFailure failure) = 0;
  /// A descriptor or memory is waited for, with the errno that says which, or no longer: 0. Told in
  /// turns, and of the end before the last call.
  virtual void on_lack_changed(int saved_errno) = 0;
  /// No backend can be reached from here for now (errno); all are asked again after a pause.
  virtual void on_no_way(const Connector& connector, int saved_errno) = 0;
  /// One attempt failed (errno, ETIMEDOUT for our own time limit); another may follow.
  virtual void on_attempt_failed(const Connector& connector, int code) = 0;
};

/// Finds a backend for one accepted client. Nothing is read from the client meanwhile, so a retry
/// on another backend loses nothing.
/// Owns:      the client and the backend being connected, which counts as load meanwhile.
/// Lifetime:  everything it refers to outlives it; retired by its owner.
/// Errors:    reported to the owner; a local lack of descriptors, memory or ports is waited out
///            within the deadline and blames no backend.
/// Source:    connect(2), EINPROGRESS.
class Connector final : public event::Retirable, public sys::Recycled<Connector> {
 public:
  struct Limits {
    std::chrono::milliseconds attempt_timeout{1000};
    std::chrono::milliseconds deadline{10000};          ///< for all attempts, from accept
    uint32_t retries = 3;                               ///< further backends after the first
    ProxyProtocol proxy_protocol = ProxyProtocol::off;  ///< its header belongs to the attempt
  };
  static constexpr std::chrono::milliseconds kShortagePause{50};

  Connector(event::Reactor& reactor, Balancer& balancer, const Limits& limits,
            ConnectorOwner& owner, const ConnectionInfo& info, uint16_t container_port,
            sys::OwnedFd client);

  /// Makes the first attempt. May call the owner.
  void start();
  /// Before start(), of a client that its backend has lost again after the connect: that backend
  /// counts as tried, and its tries so far as failures.
  void count_lost_backend();
  /// Gives up from our side: the client is reset, the owner is not told.
  void cut();

  /// The backend is that of the last attempt.
  const ConnectionInfo& info() const { return info_; }
  uint16_t container_port() const { return container_port_; }
  /// errno of the last attempt that failed; 0 while none has.
  int last_error() const { return last_error_; }
  uint32_t failures() const { return failures_; }  ///< of backends, so far
  /// Attempts made after the client's first.
  uint32_t retries() const { return retries_; }
  /// Attempts that did not come to be, for lack of a descriptor, memory or port of our own.
  uint32_t shortages() const { return shortages_; }
  /// Of the last attempt: how long it has been under way.
  sys::Duration attempt_time() const { return reactor_.now() - attempt_began_; }
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
  Attempt attempt(const Balancer::Choice& choice);
  void on_backend_ready(event::Events events);
  void be_connected();
  void send_header();
  void on_due();
  void pause();
  void set_lack(bool lacks);
  void note_failure(int code);
  void give_up_attempt(int code);
  void release_backend();
  void start_timer(sys::Duration wait);
  void finish(ConnectFailure failure);

  event::Reactor& reactor_;
  Balancer& balancer_;
  const Limits& limits_;
  ConnectorOwner& owner_;
  ConnectionInfo info_;
  uint16_t container_port_;
  sys::OwnedFd client_;
  sys::OwnedFd backend_;
  event::Watch backend_watch_;
  event::Events backend_events_{0};  // of this attempt
  event::Timer timer_;
  std::unique_ptr<ProxyHeaderSending> header_;  // null without PROXY protocol
  std::vector<sys::Endpoint> tried_;            // stays empty, and unallocated, while nothing fails
  sys::SteadyTime attempt_began_{};
  uint32_t retries_ = 0;
  uint32_t shortages_ = 0;
  uint32_t failures_ = 0;  // of backends; what we lack is not counted
  int last_error_ = 0;
  bool probes_ = false;      // this attempt decides whether an ejected backend returns
  bool cut_short_ = false;   // this attempt has less than its time, for the deadline comes first
  bool lacks_ = false;       // a descriptor, or memory
  bool lacked_way_ = false;  // some of tried_ are there for no fault of their own
};

}  // namespace kite::proxy
