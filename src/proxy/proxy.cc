#include "proxy/proxy.h"

#include <algorithm>
#include <cerrno>
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
      inherited_(deps.inherited),
      options_(std::move(options)),
      on_trouble_(std::move(on_trouble)),
      hold_room_(reactor_, *this, options_.hold, [this](uint16_t port) { return serves(port); }),
      care_(reactor_, tunnels_, options_.care,
            [this](BackendId id) { return balancer_.lists(id); }),
      resume_timer_(reactor_.timers(), event::Timer::OnDue::to<&Proxy::resume_accepting>(this)),
      free_memory_timer_(reactor_.timers(),
                         event::Timer::OnDue::to<&Proxy::free_unneeded_memory>(this)),
      reopen_timer_(reactor_.timers(), event::Timer::OnDue::to<&Proxy::reopen>(this)) {
  if (options_.access_log_target) access_log_.emplace(log_, *options_.access_log_target);
  budget_.join(*this);
}

Proxy::~Proxy() {
  stop();
}

void Proxy::start() {
  cell_.subscribe([this](const snapshot::SnapshotPtr& snapshot) { follow(snapshot); });
  follow(cell_.current());
}

void Proxy::begin_drain() {
  draining_ = true;
  for (auto& listener : listeners_) {
    if (listener->inherited()) listener->close();
  }
}

void Proxy::stop() {
  if (std::exchange(stopped_, true)) return;
  resume_timer_.cancel();
  reopen_timer_.cancel();
  care_.stop();
  for (auto& listener : listeners_) listener->close();
  cut_connections([](const ConnectionInfo&) { return true; }, CloseReason::shutdown);
  free_memory_timer_.cancel();
  listeners_.clear();
  budget_.leave(*this);
}

/// Also retries ports that could not be bound: they are wanted and not open.
void Proxy::follow(const snapshot::SnapshotPtr& snapshot) {
  if (stopped_) return;
  balancer_.follow(snapshot, reactor_.now());
  std::vector<PortRoute> open_now;
  for (const auto& listener : listeners_) open_now.push_back(listener->route());
  const PortPlan plan = plan_ports(options_.ports, snapshot.get(), open_now);
  for (const PortRoute& route : plan.close) close_listener(route);
  forget_unwanted_ports(plan);
  for (const PortRoute& route : plan.open) {
    // Who drains leaves a port that has ended to a successor.
    if (!draining_ || ports_.find(route.listen) == nullptr) open_listener(route);
  }
  hold_room_.release();
  care_.note_snapshot();
}

void Proxy::open_listener(const PortRoute& route) {
  auto listener = std::make_unique<Listener>(reactor_, *this, route);
  if (const auto error = listener->open({options_.bind, options_.care.liveness}, inherited_)) {
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
  if (ports_.find(route.listen) == nullptr) ports_.open(route);
  log_.info("listening", {{"port", route.listen},
                          {"container_port", route.container},
                          {"address", listener->endpoint().text()},
                          {"inherited", listener->inherited() ? "true" : "false"}});
  if (!accepting_) listener->pause();
  listeners_.push_back(std::move(listener));
}

void Proxy::close_listener(const PortRoute& route) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& each) { return each->route() == route; });
  KITE_CHECK(found != listeners_.end(), "a plan closes only what is open");
  // Whoever passed it on may keep a copy, and then the port could not be opened again.
  if ((*found)->inherited()) inherited_.put_back((*found)->release());
  (*found)->close();
  reactor_.destroy_later(std::move(*found));  // it may be in the middle of accepting
  listeners_.erase(found);
  end_port(route.listen);
}

/// What is neither open nor wanted any more: a port that could not be bound has no failure to
/// remember, and one whose socket had ended by itself goes like one that is closed.
void Proxy::forget_unwanted_ports(const PortPlan& plan) {
  const auto is_unwanted = [&](uint16_t listen_port) {
    return std::ranges::find(plan.open, listen_port, &PortRoute::listen) == plan.open.end() &&
           std::ranges::none_of(
               listeners_, [&](const auto& each) { return each->route().listen == listen_port; });
  };
  std::erase_if(listen_failures_, [&](const auto& failure) { return is_unwanted(failure.first); });
  std::vector<uint16_t> ended;
  for (const PortStats& port : ports_.all()) {
    if (is_unwanted(port.listen_port)) ended.push_back(port.listen_port);
  }
  for (const uint16_t listen_port : ended) end_port(listen_port);
}

void Proxy::end_port(uint16_t listen_port) {
  log_.warn("port_closed", {{"port", listen_port},
                            {"reason", "the target no longer serves it; its connections are cut"}});
  ports_.close(listen_port);
  cut_connections([&](const ConnectionInfo& info) { return info.listen_port == listen_port; },
                  CloseReason::port_closed);
}

void Proxy::cut_connections(const std::function<bool(const ConnectionInfo&)>& belongs,
                            CloseReason reason) {
  for (ConnectionInfo& info : hold_room_.cut(belongs)) {
    end_wait(info);
    log_access(info, close_reason_name(reason));
    budget_.give_back();
  }
  for (size_t i = connectors_.size(); i-- > 0;) {
    if (!belongs(connectors_[i].info())) continue;
    connectors_[i].cut();
    count_attempts(connectors_[i]);
    log_access(connectors_[i].info(), close_reason_name(reason), connectors_[i].last_error());
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
  ports_.attribute(stats_, info.listen_port);
  if (PortStats* port = ports_.find(info.listen_port)) ++port->connections;
  budget_.take(*this);
  if (budget_.used_up()) move_to_the_end(listener);
  add_connector({info, listener.route().container, std::move(client)}).start();
}

/// When there is room again the others are woken before it: who is woken first has the better
/// chance of the place.
void Proxy::move_to_the_end(const Listener& listener) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& each) { return each.get() == &listener; });
  KITE_CHECK(found != listeners_.end(), "only open listeners accept");
  std::rotate(found, found + 1, listeners_.end());
}

Connector& Proxy::add_connector(WaitingClient client) {
  Connector& connector = connectors_.add(
      std::make_unique<Connector>(reactor_, balancer_, options_.connect, *this, client.info,
                                  client.container_port, std::move(client.fd)));
  connections_peak_ = std::max(connections_peak_, connections());
  return connector;
}

void Proxy::on_handles_exhausted(Listener&, int saved_errno) {
  pause_for_lack(saved_errno, "no client can be accepted: ");
  resume_timer_.start(reactor_.now() + kExhaustedPause);
}

/// Its connections are not concerned, and clients find the port again as soon as may be.
void Proxy::on_listening_ended(Listener& listener) {
  ++stats_.listen_failures_total;
  log_.error("listen_failed",
             {{"port", listener.route().listen},
              {"error", "another process has shut the listening socket down"},
              {"hint", "it is opened anew in a second, without what was passed on"}});
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& each) { return each.get() == &listener; });
  KITE_CHECK(found != listeners_.end(), "only open listeners end");
  listener.close();
  reactor_.destroy_later(std::move(*found));
  listeners_.erase(found);
  reopen_timer_.start(reactor_.now() + kReopenPause);
}

void Proxy::on_connected(Connector& connector, event::Events backend_events) {
  Tunnel& tunnel =
      tunnels_.add(std::make_unique<Tunnel>(reactor_, resources_, *this, connector.info(),
                                            connector.take_client(), connector.take_backend()));
  ++stats_.tunnels_opened_total;
  if (connector.failures() > 0) ++stats_.failed_over_total;
  count_attempts(connector);
  if (PortStats* port = ports_.find(tunnel.info().listen_port)) {
    port->connect_times.add(connector.attempt_time());
  }
  if (log_.enabled(sys::LogLevel::debug)) {
    log_.debug("tunnel_opened", {{"cx", tunnel.info().id},
                                 {"client", tunnel.info().client.text()},
                                 {"port", tunnel.info().listen_port},
                                 {"backend", tunnel.info().backend.text()}});
  }
  reactor_.destroy_later(connectors_.take(connector));
  // Without a registration (ENOSPC: max_user_watches) the tunnel would never move.
  if (!tunnel.start(connector.backend_watch(), backend_events)) tunnel.cut(CloseReason::no_watch);
  care_.note_opened(tunnel);  // last: it may end the tunnel, which lives on for this turn
}

void Proxy::on_lack_changed(int saved_errno) {
  saved_errno != 0 ? budget_.begin_lack(saved_errno) : budget_.end_lack();
}

void Proxy::on_connect_failed(Connector& connector, ConnectFailure failure) {
  if (failure == ConnectFailure::no_backend) return on_no_backend(connector);
  ++stats_.unserved_total;
  if (const auto suppressed = unserved_log_.admit(reactor_.now())) {
    log_unserved(connector, failure, *suppressed);
  }
  log_access(connector.info(), connect_failure_name(failure), connector.last_error());
  count_attempts(connector);
  account_end(connector.info().listen_port);
  reactor_.destroy_later(connectors_.take(connector));
  budget_.give_back();
  note_connection_ended();
}

bool Proxy::serves(uint16_t container_port) const {
  const snapshot::Snapshot* snapshot = cell_.current().get();
  const snapshot::PortBackends* port =
      snapshot == nullptr ? nullptr : snapshot->find_port(container_port);
  return port != nullptr && !port->backends.empty();
}

void Proxy::on_no_backend(Connector& connector) {
  hurry_discovery();
  count_attempts(connector);
  WaitingClient client{connector.info(), connector.container_port(), connector.take_client()};
  reactor_.destroy_later(connectors_.take(connector));
  if (!client.info.was_held) {
    client.info.was_held = true;
    if (hold_room_.admit(client)) {
      ++stats_.held_total;
      ports_.attribute(stats_, client.info.listen_port);
      return;
    }
    if (options_.hold.wait > sys::Duration::zero()) ++stats_.hold_full_total;
  }
  sys::reset_on_close(client.fd.get());
  client.fd.reset();
  note_unserved(client.info);
}

/// Somebody waits: the first poll need not be held back to spread the load on the API, and one of a
/// calm pace would come too late.
void Proxy::hurry_discovery() {
  const bool first = cell_.current() == nullptr && !std::exchange(hurried_first_poll_, true);
  const bool room_fills = options_.hold.wait > sys::Duration::zero() && hold_room_.size() == 0;
  if (first || room_fills) on_trouble_();
}

void Proxy::on_hold_released(WaitingClient client) {
  ++stats_.held_served_total;
  ports_.attribute(stats_, client.info.listen_port);
  end_wait(client.info);
  add_connector(std::move(client)).start();
}

void Proxy::on_hold_ended(const WaitingClient& client, HoldEnd end) {
  ConnectionInfo info = client.info;
  end_wait(info);
  if (end == HoldEnd::over) {
    ++stats_.held_over_total;
    return note_unserved(info);
  }
  ++stats_.held_left_total;
  log_access(info, "client_left");
  account_end(info.listen_port);
  budget_.give_back();
  note_connection_ended();
}

void Proxy::on_tunnel_closed(Tunnel& tunnel, CloseReason reason) {
  sys::OwnedFd client = tunnel.take_client();
  count_closed(tunnel, reason);
  log_closed(tunnel, reason, client.valid());  // before the backend may be forgotten
  release_backend(tunnel, reason);
  if (client.valid()) {
    const ConnectionInfo info = tunnel.info();
    reactor_.destroy_later(tunnels_.take(tunnel));
    return connect_elsewhere(info, std::move(client));
  }
  account_end(tunnel.info().listen_port);
  if (PortStats* port = ports_.find(tunnel.info().listen_port)) {
    port->tunnel_times.add(reactor_.now() - tunnel.info().accepted_at);
  }
  reactor_.destroy_later(tunnels_.take(tunnel));
  budget_.give_back();
  note_connection_ended();
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
  if (budget_.lacks()) return pause_for_lack(budget_.lack_errno(), "no backend can be connected: ");
  pause_accepting("the connection limit is reached",
                  "raise -max-connections, which the descriptor limit (ulimits nofile) bounds too");
}

void Proxy::pause_for_lack(int saved_errno, std::string_view of_what) {
  const bool descriptors = saved_errno == EMFILE || saved_errno == ENFILE;
  const bool watches = saved_errno == ENOSPC;  // epoll_ctl(2)
  pause_accepting(std::string(of_what) + sys::errno_text(saved_errno),
                  descriptors ? "raise the descriptor limit (ulimits nofile)"
                  : watches   ? "raise fs.epoll.max_user_watches"
                              : "raise the memory limit, or look at net.ipv4.tcp_mem");
}

void Proxy::pause_accepting(std::string_view why, std::string_view hint) {
  if (!std::exchange(accepting_, false)) return;
  ++stats_.accept_pauses_total;
  for (auto& listener : listeners_) listener->pause();
  if (const auto suppressed = budget_.admit_report(reactor_.now())) {
    log_.warn("accepting_paused", {{"reason", why},
                                   {"connections", budget_.open()},
                                   {"hint", hint},
                                   {"suppressed", *suppressed}});
  }
}

void Proxy::resume_accepting() {
  if (stopped_ || accepting_ || budget_.used_up()) return;
  accepting_ = true;
  resume_timer_.cancel();
  for (auto& listener : listeners_) listener->resume();
}

}  // namespace kite::proxy
