#pragma once

#include <optional>

#include "event/reactor.h"
#include "proxy/port_plan.h"
#include "sys/endpoint.h"
#include "sys/inherited_sockets.h"
#include "sys/owned_fd.h"
#include "sys/socket.h"

namespace kite::proxy {

class Listener;

/// Who takes the accepted clients.
class ListenerOwner {
 public:
  virtual ~ListenerOwner() = default;
  /// May pause the listener; must not destroy it.
  virtual void on_client_accepted(Listener& listener, sys::OwnedFd client,
                                  const sys::Endpoint& peer) = 0;
  /// No descriptor or memory for another client: the owner should pause accepting.
  virtual void on_handles_exhausted(Listener& listener, int saved_errno) = 0;
  /// The socket has been shut down by somebody who shares it: the owner closes and retires the
  /// listener, or the kernel reports it for ever.
  virtual void on_listening_ended(Listener& listener) = 0;
};

/// One listening port.
/// Owns:      the listening socket.
/// Lifetime:  reactor and owner outlive it.
/// Source:    accept(2), listen(2), ipv6(7).
class Listener final : public event::Retirable {
 public:
  /// Bounds one turn, so that a flood on one port leaves the other ports and tunnels their time.
  static constexpr int kAcceptsPerTurnMax = 64;

  struct Options {
    std::optional<sys::Endpoint> bind;  ///< absent: all addresses
    sys::Liveness liveness;             ///< of the accepted clients, who inherit it
  };

  Listener(event::Reactor& reactor, ListenerOwner& owner, const PortRoute& route);

  /// An inherited socket if there is one for it. Without `bind`: all addresses, IPv4 and IPv6; IPv4
  /// alone where the host has no IPv6. Empty when it worked.
  [[nodiscard]] std::optional<sys::ListenError> open(const Options& options,
                                                     sys::InheritedSockets& inherited);

  const PortRoute& route() const { return route_; }
  sys::Endpoint endpoint() const { return sys::local_endpoint(fd_.get()); }

  /// While paused, clients wait in the kernel's backlog; none is refused before that is full.
  void pause();
  void resume();
  /// Stops for good; queued clients are reset by the kernel, unless the socket was inherited:
  /// whoever passed it on still has it.
  void close();
  /// As close(), but the socket goes on listening, and is the caller's.
  sys::OwnedFd release();
  bool inherited() const { return inherited_; }

 private:
  void on_ready(event::Events events);

  event::Reactor& reactor_;
  ListenerOwner& owner_;
  PortRoute route_;
  sys::OwnedFd fd_;
  event::Watch watch_;
  bool accepting_ = false;
  bool inherited_ = false;
  int accepts_per_turn_ = 1;
  uint64_t turn_with_more_ = 0;  // the last in which the queue was not emptied
};

}  // namespace kite::proxy
