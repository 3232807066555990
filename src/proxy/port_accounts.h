#pragma once

#include <cstdint>
#include <vector>

#include "proxy/port_plan.h"
#include "proxy/proxy_stats.h"
#include "sys/clock.h"

namespace kite::proxy {

/// Shares the counters of a proxy out among its listening ports, for as long as those are open.
/// What happens is counted once, in the proxy's own counters; right after it attribute() says which
/// port it belongs to.
/// Thread:    reactor thread only.
class PortAccounts {
 public:
  void open(const PortRoute& route);
  void close(uint16_t listen_port);

  /// What `totals` grew by since the last call happened at this port. A port that has closed
  /// meanwhile gets nothing.
  void attribute(const ProxyStats& totals, uint16_t listen_port);
  /// Null when it is closed.
  PortStats* find(uint16_t listen_port);
  /// In the order they were opened.
  const std::vector<PortStats>& all() const { return ports_; }

 private:
  ProxyStats seen_;  // what has been attributed
  std::vector<PortStats> ports_;
};

}  // namespace kite::proxy
