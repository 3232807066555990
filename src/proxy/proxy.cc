#include "proxy/proxy.h"

#include <algorithm>
#include <utility>

#include "sys/check.h"
#include "sys/heap.h"
#include "sys/recycled.h"
#include "sys/socket.h"

namespace kite::proxy {

Proxy::Proxy(const Deps& deps, Options options, OnBackendTrouble on_trouble)
    : reactor_(deps.reactor),
      resources_(deps.resources),
      budget_(deps.budget),
      cell_(deps.cell),
      balancer_(deps.balancer),
      log_(deps.log),
      options_(std::move(options)),
      on_trouble_(std::move(on_trouble)),
      resume_timer_(reactor_.timers(), event::Timer::OnDue::to<&Proxy::resume_accepting>(this)),
      keep_alive_timer_(reactor_.timers(),
                        event::Timer::OnDue::to<&Proxy::keep_tunnels_alive>(this)),
      free_memory_timer_(reactor_.timers(),
                         event::Timer::OnDue::to<&Proxy::free_unneeded_memory>(this)) {
  budget_.join(*this);
}

Proxy::~Proxy() {
  stop();
}

void Proxy::start() {
  cell_.subscribe([this](const snapshot::SnapshotPtr& snapshot) { follow(snapshot.get()); });
  follow(cell_.current().get());
}

void Proxy::stop() {
  if (std::exchange(stopped_, true)) return;
  resume_timer_.cancel();
  keep_alive_timer_.cancel();
  for (auto& listener : listeners_) listener->close();
  cut_connections([](const ConnectionInfo&) { return true; }, CloseReason::shutdown);
  free_memory_timer_.cancel();
  listeners_.clear();
  budget_.leave(*this);
}

/// Also retries ports that could not be bound: they are wanted and not open.
void Proxy::follow(const snapshot::Snapshot* snapshot) {
  if (stopped_) return;
  std::vector<PortRoute> open_now;
  for (const auto& listener : listeners_) open_now.push_back(listener->route());
  const PortPlan plan = plan_ports(options_.ports, snapshot, open_now);
  for (const PortRoute& route : plan.close) close_listener(route);
  // A port that is neither open nor wanted any more has no failure to remember.
  std::erase_if(listen_failures_, [&](const auto& failure) {
    return std::none_of(plan.open.begin(), plan.open.end(),
                        [&](const PortRoute& route) { return route.listen == failure.first; });
  });
  for (const PortRoute& route : plan.open) open_listener(route);
}

void Proxy::open_listener(const PortRoute& route) {
  auto listener = std::make_unique<Listener>(reactor_, *this, route);
  if (const auto error = listener->open(options_.bind)) {
    ++stats_.listen_failures_total;
    std::string& last_message = listen_failures_[route.listen];
    if (last_message == error->message) return;
    last_message = error->message;
    log_.error("listen_failed",
               {{"port", route.listen},
                {"error", error->message},
                {"hint",
                 "free the port or choose another with -port=LISTEN:CONTAINER or -bind; it "
                 "is tried again after every poll"}});
    return;
  }
  listen_failures_.erase(route.listen);
  log_.info("listening", {{"port", route.listen},
                          {"container_port", route.container},
                          {"address", listener->endpoint().text()}});
  if (!accepting_) listener->pause();
  listeners_.push_back(std::move(listener));
}

void Proxy::close_listener(const PortRoute& route) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& each) { return each->route() == route; });
  KITE_CHECK(found != listeners_.end(), "a plan closes only what is open");
  log_.warn("port_closed", {{"port", route.listen},
                            {"reason", "the target no longer serves it; its connections are cut"}});
  (*found)->close();
  reactor_.destroy_later(std::move(*found));  // it may be in the middle of accepting
  listeners_.erase(found);
  cut_connections([&](const ConnectionInfo& info) { return info.listen_port == route.listen; },
                  CloseReason::port_closed);
}

void Proxy::cut_connections(const std::function<bool(const ConnectionInfo&)>& belongs,
                            CloseReason reason) {
  for (size_t i = connectors_.size(); i-- > 0;) {
    if (!belongs(connectors_[i].info())) continue;
    connectors_[i].cut();
    reactor_.destroy_later(connectors_.take(connectors_[i]));
    budget_.give_back();
  }
  for (size_t i = tunnels_.size(); i-- > 0;) {
    if (belongs(tunnels_[i].info())) tunnels_[i].cut(reason);
  }
  note_connection_ended();
}

void Proxy::on_client_accepted(Listener& listener, sys::OwnedFd client, const sys::Endpoint& peer) {
  ++stats_.accepted_total;
  const ConnectionInfo info{.id = next_connection_id_++,
                            .listen_port = listener.route().listen,
                            .client = peer,
                            .backend = {},
                            .accepted_at = reactor_.now()};
  Connector& connector = connectors_.add(
      std::make_unique<Connector>(reactor_, cell_, balancer_, options_.connect, *this, info,
                                  listener.route().container, std::move(client)));
  connections_peak_ = std::max(connections_peak_, connections());
  budget_.take();
  connector.start();
}

void Proxy::on_handles_exhausted(Listener&, int saved_errno) {
  pause_accepting(sys::errno_text(saved_errno));
  resume_timer_.start(reactor_.now() + kExhaustedPause);
}

void Proxy::on_connected(Connector& connector, event::Events backend_events) {
  Tunnel& tunnel =
      tunnels_.add(std::make_unique<Tunnel>(reactor_, resources_, *this, connector.info(),
                                            connector.take_client(), connector.take_backend()));
  ++stats_.tunnels_opened_total;
  if (log_.enabled(sys::LogLevel::debug)) {
    log_.debug("tunnel_opened", {{"cx", tunnel.info().id},
                                 {"client", tunnel.info().client.text()},
                                 {"port", tunnel.info().listen_port},
                                 {"backend", tunnel.info().backend.text()}});
  }
  reactor_.destroy_later(connectors_.take(connector));
  if (!keep_alive_timer_.armed()) keep_alive_timer_.start(reactor_.now() + kKeepAliveAfter);
  // Without a registration (ENOSPC: max_user_watches) the tunnel would never move.
  if (!tunnel.start(connector.backend_watch(), backend_events)) tunnel.cut(CloseReason::no_watch);
}

void Proxy::on_connect_failed(Connector& connector, ConnectFailure failure) {
  if (failure == ConnectFailure::no_backend) {
    ++stats_.no_backend_total;
    // Somebody waits: the first poll need not be held back to spread the load on the API.
    if (cell_.current() == nullptr && !std::exchange(hurried_first_poll_, true)) on_trouble_();
  } else {
    ++stats_.unserved_total;
  }
  if (const auto suppressed = unserved_log_.admit(reactor_.now())) {
    log_unserved(connector, failure, *suppressed);
  }
  reactor_.destroy_later(connectors_.take(connector));
  budget_.give_back();
  note_connection_ended();
}

void Proxy::log_unserved(const Connector& connector, ConnectFailure failure, uint64_t suppressed) {
  const ConnectionInfo& info = connector.info();
  if (failure == ConnectFailure::no_backend) {
    const bool asked = cell_.current() != nullptr;
    return log_.warn("client_unserved",
                     {{"cx", info.id},
                      {"client", info.client.text()},
                      {"port", info.listen_port},
                      {"reason", asked ? "no_backend" : "not_discovered_yet"},
                      {"error", asked ? "no backend serves this port; the connection was reset"
                                      : "AWS has not answered yet; the connection was reset"},
                      {"suppressed", suppressed}});
  }
  log_.warn("client_unserved", {{"cx", info.id},
                                {"client", info.client.text()},
                                {"port", info.listen_port},
                                {"reason", connect_failure_name(failure)},
                                {"last_backend", info.backend.text()},
                                {"last_error", sys::errno_text(connector.last_error())},
                                {"suppressed", suppressed}});
}

void Proxy::on_attempt_failed(const Connector& connector, int code) {
  ++stats_.connect_failures_total;
  if (log_.enabled(sys::LogLevel::debug)) {
    log_.debug("connect_failed", {{"cx", connector.info().id},
                                  {"backend", connector.info().backend.text()},
                                  {"error", sys::errno_text(code)}});
  }
  on_trouble_();
}

void Proxy::on_tunnel_closed(Tunnel& tunnel, CloseReason reason) {
  count_closed(tunnel, reason);
  if (log_.enabled(sys::LogLevel::debug)) log_closed(tunnel, reason);
  reactor_.destroy_later(tunnels_.take(tunnel));
  budget_.give_back();
  note_connection_ended();
}

/// A bite of them a turn, from the back to the front: one that ends meanwhile is replaced by one
/// from behind, which has had its turn or is young.
void Proxy::keep_tunnels_alive() {
  if (keep_alive_left_ == 0) {
    keep_alive_left_ = tunnels_.size();
    tunnels_seen_by_keep_alive_ = stats_.tunnels_opened_total;
  }
  keep_alive_left_ = std::min(keep_alive_left_, tunnels_.size());
  for (size_t i = 0; i < kKeepAlivesPerTurn && keep_alive_left_ > 0; ++i) {
    tunnels_[--keep_alive_left_].keep_alive();
  }
  if (keep_alive_left_ > 0) return keep_alive_timer_.start(reactor_.now());
  if (stats_.tunnels_opened_total == tunnels_seen_by_keep_alive_) return;
  keep_alive_timer_.start(reactor_.now() + kKeepAliveAfter);
}

void Proxy::note_connection_ended() {
  if (!accepting_) resume_accepting();
  if (holds_unneeded_memory() && !free_memory_timer_.armed()) {
    free_memory_timer_.start(reactor_.now() + kFreeMemoryAfter);
  }
}

bool Proxy::holds_unneeded_memory() const {
  return connections_peak_ > 2 * connections() + kFewConnections;
}

void Proxy::free_unneeded_memory() {
  if (!holds_unneeded_memory()) return;  // the connections have come back
  connections_peak_ = connections();
  ++stats_.memory_freed_total;
  tunnels_.shrink();
  connectors_.shrink();
  sys::Recycled<Tunnel>::give_back_idle();
  sys::Recycled<Connector>::give_back_idle();
  resources_.pipes.close_idle();
  reactor_.shrink();
  sys::trim_heap();
}

void Proxy::on_budget_used_up() {
  pause_accepting("the connection limit is reached");
}

void Proxy::pause_accepting(std::string_view why) {
  if (!std::exchange(accepting_, false)) return;
  ++stats_.accept_pauses_total;
  for (auto& listener : listeners_) listener->pause();
  if (const auto suppressed = pause_log_.admit(reactor_.now())) {
    log_.warn("accepting_paused",
              {{"reason", why},
               {"connections", budget_.open()},
               {"hint", "clients wait in the backlog; raise the descriptor limit (ulimits nofile)"},
               {"suppressed", *suppressed}});
  }
}

void Proxy::resume_accepting() {
  if (stopped_ || accepting_ || budget_.used_up()) return;
  accepting_ = true;
  resume_timer_.cancel();
  for (auto& listener : listeners_) listener->resume();
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
    case CloseReason::port_closed:
    case CloseReason::no_watch:
    case CloseReason::shutdown:
      ++stats_.tunnels_cut_total;
      break;
  }
}

void Proxy::log_closed(const Tunnel& tunnel, CloseReason reason) {
  const ConnectionInfo& info = tunnel.info();
  const auto duration =
      std::chrono::duration_cast<std::chrono::milliseconds>(reactor_.now() - info.accepted_at);
  log_.debug("tunnel_closed", {{"cx", info.id},
                               {"reason", close_reason_name(reason)},
                               {"client", info.client.text()},
                               {"port", info.listen_port},
                               {"backend", info.backend.text()},
                               {"in_bytes", tunnel.client_to_backend_bytes()},
                               {"out_bytes", tunnel.backend_to_client_bytes()},
                               {"duration_ms", duration.count()}});
}

}  // namespace kite::proxy
