// What the proxy counts and logs of the connections that end; what it does with them is proxy.cc.

#include <algorithm>

#include "proxy/proxy.h"
#include "sys/socket.h"

namespace kite::proxy {

void Proxy::log_unserved(const Connector& connector, ConnectFailure failure, uint64_t suppressed) {
  const ConnectionInfo& info = connector.info();
  log_.warn("client_unserved", {{"cx", info.id},
                                {"client", info.client.text()},
                                {"port", info.listen_port},
                                {"reason", connect_failure_name(failure)},
                                {"last_backend", info.backend_text()},
                                {"last_error", sys::errno_text(connector.last_error())},
                                {"suppressed", suppressed}});
}

/// A client for whom there was no backend has been reset.
void Proxy::note_unserved(const ConnectionInfo& info) {
  ++stats_.no_backend_total;
  account_end(info.listen_port);
  budget_.give_back();
  note_connection_ended();
  const bool asked = cell_.current() != nullptr;
  const std::string_view reason = asked ? "no_backend" : "not_discovered_yet";
  log_access(info, reason);
  const auto suppressed = unserved_log_.admit(reactor_.now());
  if (!suppressed) return;
  log_.warn("client_unserved",
            {{"cx", info.id},
             {"client", info.client.text()},
             {"port", info.listen_port},
             {"reason", reason},
             {"error", asked ? "no backend serves this port; the connection was reset"
                             : "AWS has not answered yet; the connection was reset"},
             {"waited_ms", ms_since_accept(info)},
             {"suppressed", *suppressed}});
}

std::vector<PortStats> Proxy::port_stats() const {
  std::vector<PortStats> ports = ports_.all();
  for (size_t i = 0; i < tunnels_.size(); ++i) {
    const Tunnel& tunnel = tunnels_[i];
    const auto port = std::find_if(ports.begin(), ports.end(), [&](const PortStats& each) {
      return each.listen_port == tunnel.info().listen_port;
    });
    if (port == ports.end()) continue;
    port->counters.client_to_backend_bytes_total += tunnel.client_to_backend_bytes();
    port->counters.backend_to_client_bytes_total += tunnel.backend_to_client_bytes();
  }
  return ports;
}

void Proxy::count_attempts(const Connector& connector) {
  stats_.retries_total += connector.retries();
  stats_.connect_shortages_total += connector.shortages();
  ports_.attribute(stats_, connector.info().listen_port);
}

void Proxy::account_end(uint16_t listen_port) {
  ports_.attribute(stats_, listen_port);
  PortStats* port = ports_.find(listen_port);
  if (port != nullptr && port->connections > 0) --port->connections;
}

void Proxy::count_closed(const Tunnel& tunnel, CloseReason reason) {
  stats_.client_to_backend_bytes_total += tunnel.client_to_backend_bytes();
  stats_.backend_to_client_bytes_total += tunnel.backend_to_client_bytes();
  switch (reason) {
    case CloseReason::none:
    case CloseReason::finished:
      ++stats_.tunnels_finished_total;
      break;
    case CloseReason::client_reset:
    case CloseReason::backend_reset:
      ++stats_.tunnels_reset_total;
      break;
    case CloseReason::idle_timeout:
      ++stats_.tunnels_idle_total;
      ++stats_.tunnels_cut_total;
      break;
    case CloseReason::task_removed:
      ++stats_.tunnels_removed_total;
      ++stats_.tunnels_cut_total;
      break;
    case CloseReason::port_closed:
    case CloseReason::no_watch:
    case CloseReason::shutdown:
      ++stats_.tunnels_cut_total;
      break;
  }
}

void Proxy::release_backend(const Tunnel& tunnel, CloseReason reason) {
  BackendTable& table = balancer_.table();
  const BackendId id = tunnel.info().backend_id;
  const bool failed =
      table.note_tunnel_end(id,
                            {.client_to_backend_bytes = tunnel.client_to_backend_bytes(),
                             .backend_to_client_bytes = tunnel.backend_to_client_bytes(),
                             .reset_by_backend = reason == CloseReason::backend_reset,
                             .connected_at = tunnel.info().connected_at},
                            reactor_.now());
  table.end_connection(id);
  if (failed) on_trouble_();
}

void Proxy::end_wait(ConnectionInfo& info) const {
  info.held_ms = static_cast<uint32_t>(ms_since_accept(info));
  info.accepted_at = reactor_.now();
}

void Proxy::log_access(const ConnectionInfo& info, std::string_view reason, int last_error) {
  if (!access_log_) return;
  access_log_->note(info, {.reason = reason,
                           .duration_ms = ms_since_accept(info),
                           .error = last_error == 0 ? "" : sys::errno_text(last_error)});
}

void Proxy::log_closed(const Tunnel& tunnel, CloseReason reason, bool client_goes_on) {
  const ConnectionInfo& info = tunnel.info();
  if (access_log_ && !client_goes_on) {
    const BackendTable& table = balancer_.table();
    access_log_->note(info, {.reason = close_reason_name(reason),
                             .duration_ms = ms_since_accept(info),
                             .task = table.task_id(info.backend_id),
                             .zone = table.zone(info.backend_id),
                             .in_bytes = tunnel.client_to_backend_bytes(),
                             .out_bytes = tunnel.backend_to_client_bytes()});
  }
  if (!log_.enabled(sys::LogLevel::debug)) return;
  log_.debug("tunnel_closed", {{"cx", info.id},
                               {"reason", close_reason_name(reason)},
                               {"client", info.client.text()},
                               {"port", info.listen_port},
                               {"backend", info.backend.text()},
                               {"in_bytes", tunnel.client_to_backend_bytes()},
                               {"out_bytes", tunnel.backend_to_client_bytes()},
                               {"duration_ms", sys::count_ms(reactor_.now() - info.accepted_at)}});
}

}  // namespace kite::proxy
