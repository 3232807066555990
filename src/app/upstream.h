#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/access.h"
#include "cli/config.h"
#include "discovery/discovery_loop.h"
#include "discovery/siblings.h"
#include "discovery/snapshot_file.h"
#include "event/reactor.h"
#include "proxy/backend_table.h"
#include "proxy/balancer.h"
#include "proxy/connection_budget.h"
#include "proxy/proxy.h"
#include "proxy/relay.h"
#include "snapshot/own_zone.h"
#include "snapshot/snapshot_cell.h"
#include "sys/inherited_sockets.h"
#include "sys/log.h"
#include "sys/random.h"

namespace kite::app {

/// One target from end to end: who asks AWS for its tasks, what is known of them, who forwards.
/// Owns:      its snapshot cell, balancer, proxy and discovery loop.
/// Lifetime:  everything in Deps outlives it.
/// Thread:    reactor thread only.
class Upstream {
 public:
  struct Deps {
    event::Reactor& reactor;
    proxy::RelayResources& relay_resources;
    proxy::ConnectionBudget& budget;
    proxy::BackendTable& backends;
    const snapshot::OwnZone& own_zone;
    sys::Random& random;
    const sys::Clock& clock;
    sys::InheritedSockets& inherited;
    sys::Logger& log;
    discovery::Siblings& siblings;
    /// Called after every finished poll.
    std::function<void()> on_poll_finished;
  };

  /// Of the target with that index.
  Upstream(const Deps& deps, const cli::Config& config, size_t index);

  /// Opens the ports that were given.
  void start() { proxy_.start(); }
  /// The way to AWS is known: the first poll follows. `aws` outlives stop().
  void start_discovery(aws::Access& aws);
  /// The end is near: see proxy::Proxy::begin_drain().
  void begin_drain() { proxy_.begin_drain(); }
  /// Ends polling, closes listeners, cuts connections.
  void stop();
  /// False when refused for throttling. Before discovery began it is remembered.
  bool poll_soon();

  const cli::TargetConfig& target() const { return target_; }
  /// What logs and metrics call it: no other target is called the same.
  const std::string& name() const { return name_; }
  const proxy::Proxy& proxy() const { return proxy_; }
  /// Which ports it listens on is known.
  bool has_opened_ports() const { return has_given_ports() || cell_.current() != nullptr; }
  /// Which ports it will ever listen on was said.
  bool has_given_ports() const { return !target_.ports.empty(); }
  const snapshot::SnapshotPtr& snapshot() const { return cell_.current(); }
  /// Null until the region is known.
  const discovery::DiscoveryLoop* discovery() const { return loop_.get(); }

 private:
  /// -cache, and for every further target another name.
  std::string cache_path() const;

  const Deps deps_;
  const cli::Config& config_;
  const size_t index_;
  const cli::TargetConfig& target_;
  const std::string name_;
  bool poll_wanted_ = false;
  snapshot::SnapshotCell cell_;
  proxy::Balancer balancer_;
  proxy::Proxy proxy_;
  std::optional<discovery::SnapshotFile> cache_;
  std::unique_ptr<discovery::DiscoveryLoop> loop_;  // from when the region is known
};

}  // namespace kite::app
