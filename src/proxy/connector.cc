#include "proxy/connector.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/socket.h"

namespace kite::proxy {

namespace {

/// Our own lack, not the backend's. ENOSPC: epoll's max_user_watches (epoll_ctl(2)).
bool is_local_shortage(int code) {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM || code == ENOSPC;
}

/// No free local port towards this destination, or no address of its family (connect(2), ip(7)).
bool is_no_way_there(int code) {
  return code == EADDRNOTAVAIL || code == EAGAIN;
}

}  // namespace

std::string_view connect_failure_name(ConnectFailure failure) {
  switch (failure) {
    case ConnectFailure::no_backend:
      return "no_backend";
    case ConnectFailure::exhausted:
      return "every_attempt_failed";
    case ConnectFailure::deadline:
      return "connect_deadline";
  }
  return "unknown";
}

Connector::Connector(event::Reactor& reactor, const snapshot::SnapshotCell& cell,
                     Balancer& balancer, const Limits& limits, ConnectorOwner& owner,
                     const ConnectionInfo& info, uint16_t container_port, sys::OwnedFd client)
    : reactor_(reactor),
      cell_(cell),
      balancer_(balancer),
      limits_(limits),
      owner_(owner),
      info_(info),
      container_port_(container_port),
      client_(std::move(client)),
      backend_watch_(reactor, event::Watch::OnReady::to<&Connector::on_backend_ready>(this)),
      timer_(reactor.timers(), event::Timer::OnDue::to<&Connector::on_due>(this)) {}

void Connector::start() {
  try_next();
}

void Connector::cut() {
  backend_watch_.cancel_closing();
  timer_.cancel();
  backend_.reset();
  sys::reset_on_close(client_.get());
  client_.reset();
}

void Connector::try_next() {
  for (;;) {  // ends: each round adds to tried_, which picks are never made from
    if (reactor_.now() >= info_.accepted_at + limits_.deadline) {
      return finish(ConnectFailure::deadline);
    }
    const snapshot::SnapshotPtr& snapshot = cell_.current();
    const snapshot::PortBackends* port =
        snapshot == nullptr ? nullptr : snapshot->find_port(container_port_);
    if (port == nullptr || port->backends.empty()) return finish(ConnectFailure::no_backend);
    if (failures_ > limits_.retries) return finish(ConnectFailure::exhausted);
    const std::optional<size_t> choice = balancer_.pick(*port, tried_);
    if (!choice && !lacked_way_) return finish(ConnectFailure::exhausted);
    if (!choice) return pause();
    switch (attempt(port->backends[*choice].endpoint)) {
      case Attempt::under_way:
        return start_timer(limits_.attempt_timeout);
      case Attempt::short_of_handles:
        return pause();
      case Attempt::no_way_there:
        tried_.push_back(info_.backend);
        lacked_way_ = true;
        break;
      case Attempt::failed:
        break;
    }
  }
}

/// Waits for what we lack, then tries every backend anew.
void Connector::pause() {
  tried_.clear();
  lacked_way_ = false;
  start_timer(kShortagePause);
}

Connector::Attempt Connector::attempt(const sys::Endpoint& endpoint) {
  info_.backend = endpoint;
  int code = 0;
  backend_ = sys::connect_tcp(endpoint, code);
  // Edges from the start: the tunnel takes this registration over as it is.
  if (backend_.valid() && !backend_watch_.start(backend_.get(), event::Interest::edges)) {
    code = errno;
    backend_.reset();
  }
  if (backend_.valid()) return Attempt::under_way;
  last_error_ = code;
  if (is_local_shortage(code)) return Attempt::short_of_handles;
  if (is_no_way_there(code)) return Attempt::no_way_there;
  note_failure(code);
  return Attempt::failed;
}

void Connector::on_backend_ready(event::Events events) {
  if (!events.writable()) return;  // cannot be: readable before connected
  // A failed connect shows as EPOLLERR with EPOLLHUP, so success needs no getsockopt(2).
  if (events.error()) {
    note_failure(sys::take_pending_error(backend_.get()));
    return try_next();
  }
  timer_.cancel();
  owner_.on_connected(*this, events);
}

void Connector::on_due() {
  // Without a socket the wait was for descriptors or ports, and no backend is to blame.
  if (backend_.valid()) note_failure(ETIMEDOUT);
  try_next();
}

void Connector::note_failure(int code) {
  timer_.cancel();
  backend_watch_.cancel_closing();
  backend_.reset();
  tried_.push_back(info_.backend);
  ++failures_;
  last_error_ = code;
  owner_.on_attempt_failed(*this, code);
}

void Connector::start_timer(sys::Duration wait) {
  timer_.start(std::min(reactor_.now() + wait, info_.accepted_at + limits_.deadline));
}

void Connector::finish(ConnectFailure failure) {
  cut();
  owner_.on_connect_failed(*this, failure);
}

}  // namespace kite::proxy
