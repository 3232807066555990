#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/access_log.h"
#include "proxy/balancer.h"
#include "proxy/connection_budget.h"
#include "proxy/connector.h"
#include "proxy/hold_room.h"
#include "proxy/listener.h"
#include "proxy/owned_set.h"
#include "proxy/port_accounts.h"
#include "proxy/port_plan.h"
#include "proxy/proxy_stats.h"
#include "proxy/tunnel.h"
#include "proxy/tunnel_care.h"
#include "snapshot/snapshot_cell.h"
#include "sys/inherited_sockets.h"
#include "sys/log.h"

namespace kite::proxy {

/// The data path of one target: listeners follow the snapshot, each accepted client gets a backend
/// and becomes a tunnel.
/// Owns:      listeners, connectors and tunnels; what ends is retired through the reactor.
/// Lifetime:  everything passed by reference outlives it; the RelayResources outlive the reactor
///            too, because retired tunnels give their pipes back when it dies.
/// Thread:    reactor thread only.
class Proxy final : public ListenerOwner,
                    public ConnectorOwner,
                    public TunnelOwner,
                    public HoldOwner,
                    public BudgetUser {
 public:
  struct Options {
    std::vector<PortRoute> ports;       ///< empty: all that are discovered
    std::optional<sys::Endpoint> bind;  ///< absent: all addresses
    Connector::Limits connect;
    HoldRoom::Options hold;
    TunnelCare::Options care;
    std::optional<std::string> access_log_target;  ///< what its lines call this target; absent: off
  };
  /// An attempt to connect was refused or timed out, or a client came before anything was known:
  /// discovery may want to look sooner.
  using OnBackendTrouble = std::function<void()>;

  struct Deps {
    event::Reactor& reactor;
    RelayResources& resources;
    ConnectionBudget& budget;  ///< shared by all targets
    snapshot::SnapshotCell& cell;
    Balancer& balancer;
    sys::Logger& log;
    sys::InheritedSockets& inherited;  ///< shared by all targets
  };

  Proxy(const Deps& deps, Options options, OnBackendTrouble on_trouble);
  ~Proxy() override;

  /// Opens the configured ports and follows the cell from now on.
  void start();
  /// The end is near: sockets that were inherited are the successor's from now on. All else is
  /// served on.
  void begin_drain();
  /// Closes every listener and cuts every connection. The object can then be destroyed.
  void stop();

  const ProxyStats& stats() const { return stats_; }
  /// By open port, bytes of open tunnels included.
  std::vector<PortStats> port_stats() const;
  /// Clients of every kind: waiting, being connected, forwarded.
  size_t connections() const { return hold_room_.size() + connectors_.size() + tunnels_.size(); }
  size_t waiting() const { return hold_room_.size(); }

 private:
  static constexpr std::chrono::milliseconds kExhaustedPause{100};
  /// Memory goes back to the system when less than half of the connections are left that there
  /// were; below this number it is not worth it.
  static constexpr std::chrono::seconds kFreeMemoryAfter{2};
  static constexpr size_t kFewConnections = 64;
  static constexpr std::chrono::seconds kReportInterval{5};
  static constexpr std::chrono::seconds kReopenPause{1};

  void on_client_accepted(Listener& listener, sys::OwnedFd client,
                          const sys::Endpoint& peer) override;
  void on_handles_exhausted(Listener& listener, int saved_errno) override;
  void on_listening_ended(Listener& listener) override;
  void on_connected(Connector& connector, event::Events backend_events) override;
  void on_connect_failed(Connector& connector, ConnectFailure failure) override;
  void on_lack_changed(int saved_errno) override;
  void on_no_way(const Connector& connector, int saved_errno) override;
  void on_attempt_failed(const Connector& connector, int code) override;
  bool wants_client_back(const Tunnel& tunnel) override;
  void on_tunnel_closed(Tunnel& tunnel, CloseReason reason) override;
  void on_hold_released(WaitingClient client) override;
  void on_hold_ended(const WaitingClient& client, HoldEnd end) override;
  void on_budget_used_up() override;
  void on_budget_available() override { resume_accepting(); }

  void follow(const snapshot::SnapshotPtr& snapshot);
  void open_listener(const PortRoute& route);
  void close_listener(const PortRoute& route);
  void forget_unwanted_ports(const PortPlan& plan);
  void end_port(uint16_t listen_port);
  void cut_connections(const std::function<bool(const ConnectionInfo&)>& belongs,
                       CloseReason reason);
  bool serves(uint16_t container_port) const;
  void move_to_the_end(const Listener& listener);
  Connector& add_connector(WaitingClient client);
  void connect_elsewhere(const ConnectionInfo& before, sys::OwnedFd client);
  void on_no_backend(Connector& connector);
  void hurry_discovery();
  void note_unserved(const ConnectionInfo& info);
  void note_connection_ended();
  bool holds_unneeded_memory() const;
  void free_unneeded_memory();
  void pause_accepting(std::string_view why, std::string_view hint);
  void pause_for_lack(int saved_errno, std::string_view of_what);
  void resume_accepting();
  void reopen() { follow(cell_.current()); }
  void log_unserved(const Connector& connector, ConnectFailure failure, uint64_t suppressed);
  /// Of one that is done: what only it knows of its attempts.
  void count_attempts(const Connector& connector);
  /// A client of that port is gone.
  void account_end(uint16_t listen_port);
  void count_closed(const Tunnel& tunnel, CloseReason reason);
  void release_backend(const Tunnel& tunnel, CloseReason reason);
  void log_closed(const Tunnel& tunnel, CloseReason reason, bool client_goes_on);
  /// One line of the access log, if it is on, for a client that no tunnel was made for.
  void log_access(const ConnectionInfo& info, std::string_view reason, int last_error = 0);
  /// From now on it is as if accepted now, having waited for a backend to be known.
  void end_wait(ConnectionInfo& info) const;
  /// Waiting for a backend to be known included.
  int64_t ms_since_accept(const ConnectionInfo& info) const {
    return info.held_ms + sys::count_ms(reactor_.now() - info.accepted_at);
  }

  event::Reactor& reactor_;
  RelayResources& resources_;
  ConnectionBudget& budget_;
  snapshot::SnapshotCell& cell_;
  Balancer& balancer_;
  sys::Logger& log_;
  sys::InheritedSockets& inherited_;
  Options options_;
  std::optional<AccessLog> access_log_;
  OnBackendTrouble on_trouble_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<uint16_t, std::string> listen_failures_;  // last message by listen port
  OwnedSet<Connector> connectors_;
  OwnedSet<Tunnel> tunnels_;
  HoldRoom hold_room_;
  TunnelCare care_;
  event::Timer resume_timer_;
  event::Timer free_memory_timer_;
  event::Timer reopen_timer_;
  bool hurried_first_poll_ = false;
  size_t connections_peak_ = 0;  // since memory was last freed
  sys::LogThrottle unserved_log_{kReportInterval};
  sys::LogThrottle no_way_log_{kReportInterval};
  ProxyStats stats_;
  PortAccounts ports_;
  uint64_t next_connection_id_ = 1;
  bool accepting_ = true;
  bool stopped_ = false;
  bool draining_ = false;
};

}  // namespace kite::proxy
