#include "proxy/port_accounts.h"

#include <algorithm>
#include <array>
#include <bit>

namespace kite::proxy {

namespace {

/// Every counter, without naming them: whoever adds one has it shared out.
using Counters = std::array<uint64_t, sizeof(ProxyStats) / sizeof(uint64_t)>;
static_assert(sizeof(Counters) == sizeof(ProxyStats), "ProxyStats has nothing but counters");

}  // namespace

void PortAccounts::open(const PortRoute& route) {
  PortStats port;
  port.listen_port = route.listen;
  port.container_port = route.container;
  ports_.push_back(port);
}

void PortAccounts::close(uint16_t listen_port) {
  std::erase_if(ports_, [&](const PortStats& port) { return port.listen_port == listen_port; });
}

void PortAccounts::attribute(const ProxyStats& totals, uint16_t listen_port) {
  const auto now = std::bit_cast<Counters>(totals);
  const auto before = std::bit_cast<Counters>(seen_);
  seen_ = totals;
  PortStats* port = find(listen_port);
  if (port == nullptr) return;
  auto own = std::bit_cast<Counters>(port->counters);
  for (size_t i = 0; i < own.size(); ++i) own[i] += now[i] - before[i];
  port->counters = std::bit_cast<ProxyStats>(own);
}

PortStats* PortAccounts::find(uint16_t listen_port) {
  const auto found = std::find_if(ports_.begin(), ports_.end(), [&](const PortStats& port) {
    return port.listen_port == listen_port;
  });
  return found == ports_.end() ? nullptr : &*found;
}

}  // namespace kite::proxy
