#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "admin/admin_connection.h"
#include "event/reactor.h"
#include "event/timer_queue.h"
#include "sys/endpoint.h"
#include "sys/result.h"
#include "sys/stream_address.h"

namespace kite::admin {

/// HTTP for operators, in the gaps of forwarding: at most one client is accepted a turn, and
/// kAcceptsPerSecond over time, each with one request; the rest wait in a short backlog that costs
/// nothing. A full house makes room by ending the oldest, so that many who say nothing cannot keep
/// out one who asks. DESIGN 56
/// Owns:      the listening socket and the connections.
/// Lifetime:  reactor and pages outlive it.
/// Thread:    reactor thread only.
class AdminServer final : public AdminConnectionOwner {
 public:
  static constexpr int kBacklog = 64;
  static constexpr uint32_t kAcceptsPerSecond = 50;
  static constexpr std::chrono::milliseconds kHandlesPause{100};

  /// `connections_max` at once, at least two; half of it may be accepted in a burst.
  AdminServer(event::Reactor& reactor, AdminPages& pages, size_t connections_max);
  ~AdminServer() override;

  /// Call once. Errors: a sentence that says what to change.
  [[nodiscard]] sys::Result<sys::Done> start(const sys::StreamAddress& address);
  /// Ends everything. A unix socket keeps its name: the next server takes it over. Idempotent.
  void stop();

  /// With the port the kernel chose, if it was to choose.
  sys::Endpoint endpoint() const;
  const AdminStats& stats() const { return stats_; }
  size_t connections() const { return connections_.size(); }

 private:
  void on_connection_ended(AdminConnection& connection) override;
  void on_ready(event::Events events);
  void resume();
  void pause_until(sys::SteadyTime time);
  void add(sys::OwnedFd client);
  void evict_oldest();

  event::Reactor& reactor_;
  AdminPages& pages_;
  const size_t connections_max_;
  AdminStats stats_;
  HostRule host_rule_ = HostRule::local_names;
  sys::OwnedFd fd_;
  event::Watch watch_;
  event::Timer resume_timer_;
  /// When the accepts so far are paid for; what lies further ahead than the burst has to wait.
  sys::SteadyTime accepts_paid_{};
  std::vector<std::unique_ptr<AdminConnection>> connections_;  // the oldest first
};

}  // namespace kite::admin
