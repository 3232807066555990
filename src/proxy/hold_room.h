#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/tunnel.h"
#include "sys/clock.h"
#include "sys/owned_fd.h"

namespace kite::proxy {

/// A client for whose port no backend is known.
struct WaitingClient {
  ConnectionInfo info;
  uint16_t container_port = 0;
  sys::OwnedFd fd;
};

/// How a wait ends without a backend.
enum class HoldEnd : uint8_t {
  over,  ///< its time is over; the client is reset
  left,  ///< the client went away; nobody is to be told
};

/// Who sends clients to wait. Exactly one of the two is called for each, unless it is cut.
class HoldOwner {
 public:
  virtual ~HoldOwner() = default;
  /// A backend is known now.
  virtual void on_hold_released(WaitingClient client) = 0;
  /// The client's descriptor is closed when this returns.
  virtual void on_hold_ended(const WaitingClient& client, HoldEnd end) = 0;
};

/// Where clients wait, in the order they came, until a backend for their port is known. Nothing is
/// read from them meanwhile; those that leave are noticed. DESIGN 45
/// Owns:      the waiting clients.
/// Lifetime:  reactor and owner outlive it.
/// Thread:    reactor thread only.
/// Source:    epoll_ctl(2), EPOLLRDHUP.
class HoldRoom {
 public:
  struct Options {
    sys::Duration wait = std::chrono::seconds(10);  ///< 0: nobody waits
    size_t clients_max = 1024;
  };
  /// Whether a container port has a backend.
  using Serves = std::function<bool(uint16_t container_port)>;
  using Belongs = std::function<bool(const ConnectionInfo&)>;

  HoldRoom(event::Reactor& reactor, HoldOwner& owner, const Options& options, Serves serves);
  ~HoldRoom();

  /// Takes the client in. False when nobody may wait or the room is full; then the client stays
  /// the caller's.
  [[nodiscard]] bool admit(WaitingClient& client);
  /// Lets those go on whose port is served now: a number each turn.
  void release();
  /// Resets those that belong and returns who they were. The owner is not told.
  std::vector<ConnectionInfo> cut(const Belongs& belongs);
  size_t size() const { return held_.size(); }

 private:
  struct Held;
  /// Each costs a connect, or a reset.
  static constexpr size_t kClientsPerTurn = 64;

  void on_due();
  void on_left(Held& held);
  std::unique_ptr<Held> take(size_t index);
  void keep_time();

  event::Reactor& reactor_;
  HoldOwner& owner_;
  Options options_;
  Serves serves_;
  std::vector<std::unique_ptr<Held>> held_;  // by arrival, and so by deadline
  event::Timer timer_;
  event::Continuation more_to_release_;
};

}  // namespace kite::proxy
