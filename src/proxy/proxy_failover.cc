// What the proxy does when a backend fails a client; how the next one is found is connector.cc.

#include <algorithm>
#include <utility>

#include "proxy/proxy.h"
#include "sys/socket.h"

namespace kite::proxy {

void Proxy::on_attempt_failed(const Connector& connector, int code) {
  ++stats_.connect_failures_total;
  ports_.attribute(stats_, connector.info().listen_port);
  if (log_.enabled(sys::LogLevel::debug)) {
    log_.debug("connect_failed", {{"cx", connector.info().id},
                                  {"backend", connector.info().backend.text()},
                                  {"error", sys::errno_text(code)}});
  }
  on_trouble_();
}

void Proxy::on_no_way(const Connector& connector, int saved_errno) {
  const auto suppressed = no_way_log_.admit(reactor_.now());
  if (!suppressed) return;
  log_.warn("connect_postponed",
            {{"cx", connector.info().id},
             {"port", connector.info().listen_port},
             {"error", "no backend can be connected from here: " + sys::errno_text(saved_errno)},
             {"hint",
              "most likely the local ports are used up: widen net.ipv4.ip_local_port_range, or "
              "see what keeps so many connections open"},
             {"suppressed", *suppressed}});
}

bool Proxy::wants_client_back(const Tunnel& tunnel) {
  const ConnectionInfo& info = tunnel.info();
  const PortStats* port = ports_.find(info.listen_port);
  if (port == nullptr || info.tries > options_.connect.retries) return false;
  if (reactor_.now() >= info.accepted_at + options_.connect.deadline) return false;
  const snapshot::Snapshot* set = cell_.current().get();
  const snapshot::PortBackends* known =
      set == nullptr ? nullptr : set->find_port(port->container_port);
  return known != nullptr &&
         std::any_of(known->backends.begin(), known->backends.end(),
                     [&](const auto& each) { return each.endpoint != info.backend; });
}

/// Its last backend has reset it before anything went either way. DESIGN 59
void Proxy::connect_elsewhere(const ConnectionInfo& before, sys::OwnedFd client) {
  ConnectionInfo info = before;
  info.backend_id = kNoBackend;
  info.connected_at = {};
  ++stats_.reset_retries_total;
  ports_.attribute(stats_, info.listen_port);
  Connector& connector =
      add_connector({info, ports_.find(info.listen_port)->container_port, std::move(client)});
  connector.count_lost_backend();
  connector.start();
}

}  // namespace kite::proxy
