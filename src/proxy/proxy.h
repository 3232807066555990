#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "proxy/balancer.h"
#include "proxy/connection_budget.h"
#include "proxy/connector.h"
#include "proxy/listener.h"
#include "proxy/owned_set.h"
#include "proxy/port_plan.h"
#include "proxy/proxy_stats.h"
#include "proxy/tunnel.h"
#include "snapshot/snapshot_cell.h"
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
                    public BudgetUser {
 public:
  struct Options {
    std::vector<PortRoute> ports;       ///< empty: all that are discovered
    std::optional<sys::Endpoint> bind;  ///< absent: all addresses
    Connector::Limits connect;
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
  };

  Proxy(const Deps& deps, Options options, OnBackendTrouble on_trouble);
  ~Proxy() override;

  /// Opens the configured ports and follows the cell from now on.
  void start();
  /// Closes every listener and cuts every connection. The object can then be destroyed.
  void stop();

  const ProxyStats& stats() const { return stats_; }
  size_t connections() const { return connectors_.size() + tunnels_.size(); }

 private:
  static constexpr std::chrono::milliseconds kExhaustedPause{100};
  /// Most tunnels end before probing their backend would matter, and are spared its system calls.
  static constexpr std::chrono::seconds kKeepAliveAfter{10};
  static constexpr size_t kKeepAlivesPerTurn = 128;
  /// Memory goes back to the system when less than half of the connections are left that there
  /// were; below this number it is not worth it.
  static constexpr std::chrono::seconds kFreeMemoryAfter{2};
  static constexpr size_t kFewConnections = 64;
  static constexpr std::chrono::seconds kReportInterval{5};

  void on_client_accepted(Listener& listener, sys::OwnedFd client,
                          const sys::Endpoint& peer) override;
  void on_handles_exhausted(Listener& listener, int saved_errno) override;
  void on_connected(Connector& connector, event::Events backend_events) override;
  void on_connect_failed(Connector& connector, ConnectFailure failure) override;
  void on_attempt_failed(const Connector& connector, int code) override;
  void on_tunnel_closed(Tunnel& tunnel, CloseReason reason) override;
  void on_budget_used_up() override;
  void on_budget_available() override { resume_accepting(); }

  void follow(const snapshot::Snapshot* snapshot);
  void open_listener(const PortRoute& route);
  void close_listener(const PortRoute& route);
  void cut_connections(const std::function<bool(const ConnectionInfo&)>& belongs,
                       CloseReason reason);
  void keep_tunnels_alive();
  void note_connection_ended();
  bool holds_unneeded_memory() const;
  void free_unneeded_memory();
  void pause_accepting(std::string_view why);
  void resume_accepting();
  void log_unserved(const Connector& connector, ConnectFailure failure, uint64_t suppressed);
  void count_closed(const Tunnel& tunnel, CloseReason reason);
  void log_closed(const Tunnel& tunnel, CloseReason reason);

  event::Reactor& reactor_;
  RelayResources& resources_;
  ConnectionBudget& budget_;
  snapshot::SnapshotCell& cell_;
  Balancer& balancer_;
  sys::Logger& log_;
  Options options_;
  OnBackendTrouble on_trouble_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<uint16_t, std::string> listen_failures_;  // last message by listen port
  OwnedSet<Connector> connectors_;
  OwnedSet<Tunnel> tunnels_;
  event::Timer resume_timer_;
  event::Timer keep_alive_timer_;
  event::Timer free_memory_timer_;
  size_t keep_alive_left_ = 0;  // of tunnels_, from the front
  uint64_t tunnels_seen_by_keep_alive_ = 0;
  bool hurried_first_poll_ = false;
  size_t connections_peak_ = 0;  // since memory was last freed
  sys::LogThrottle pause_log_{kReportInterval};
  sys::LogThrottle unserved_log_{kReportInterval};
  ProxyStats stats_;
  uint64_t next_connection_id_ = 1;
  bool accepting_ = true;
  bool stopped_ = false;
};

}  // namespace kite::proxy
