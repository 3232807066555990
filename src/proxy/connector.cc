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

Connector::Connector(event::Reactor& reactor, Balancer& balancer, const Limits& limits,
                     ConnectorOwner& owner, const ConnectionInfo& info, uint16_t container_port,
                     sys::OwnedFd client)
    : reactor_(reactor),
      balancer_(balancer),
      limits_(limits),
      owner_(owner),
      info_(info),
      container_port_(container_port),
      client_(std::move(client)),
      backend_watch_(reactor, event::Watch::OnReady::to<&Connector::on_backend_ready>(this)),
      timer_(reactor.timers(), event::Timer::OnDue::to<&Connector::on_due>(this)) {}

void Connector::start() {
  if (limits_.proxy_protocol != ProxyProtocol::off) {
    header_ = std::make_unique<ProxyHeaderSending>(
        limits_.proxy_protocol, ClientAddresses{info_.client, sys::local_endpoint(client_.get())});
  }
  try_next();
}

void Connector::count_lost_backend() {
  tried_.push_back(info_.backend);
  failures_ = info_.tries;
}

void Connector::cut() {
  set_lack(false);
  backend_watch_.cancel_closing();
  timer_.cancel();
  backend_.reset();
  release_backend();
  sys::reset_on_close(client_.get());
  client_.reset();
}

void Connector::try_next() {
  for (;;) {  // ends: each round adds to tried_, which picks are never made from
    if (reactor_.now() >= info_.accepted_at + limits_.deadline) {
      return finish(ConnectFailure::deadline);
    }
    if (!balancer_.serves(container_port_)) return finish(ConnectFailure::no_backend);
    if (failures_ > limits_.retries) return finish(ConnectFailure::exhausted);
    const auto choice = balancer_.pick(container_port_, tried_, reactor_.now());
    if (!choice && !lacked_way_) return finish(ConnectFailure::exhausted);
    if (!choice) {
      owner_.on_no_way(*this, last_error_);
      return pause();
    }
    const Attempt outcome = attempt(*choice);
    set_lack(outcome == Attempt::short_of_handles);
    switch (outcome) {
      case Attempt::under_way:
        return start_timer(limits_.attempt_timeout);
      case Attempt::short_of_handles:
        return pause();
      case Attempt::no_way_there:
        tried_.push_back(choice->endpoint);
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

void Connector::set_lack(bool lacks) {
  if (std::exchange(lacks_, lacks) != lacks) owner_.on_lack_changed(lacks ? last_error_ : 0);
}

Connector::Attempt Connector::attempt(const Balancer::Choice& choice) {
  attempt_began_ = reactor_.now();
  backend_events_ = event::Events(0);
  if (header_ != nullptr) header_->restart();
  int code = 0;
  backend_ = sys::connect_tcp(choice.endpoint, code);
  // Edges from the start: the tunnel takes this registration over as it is.
  if (backend_.valid() && !backend_watch_.start(backend_.get(), event::Interest::edges)) {
    code = errno;
    backend_.reset();
  }
  if (!backend_.valid()) {
    last_error_ = code;
    const bool short_of_handles = is_local_shortage(code);
    if (short_of_handles || is_no_way_there(code)) {
      // The backend was asked for nothing: neither an attempt nor its probe.
      ++shortages_;
      return short_of_handles ? Attempt::short_of_handles : Attempt::no_way_there;
    }
  }
  if (info_.tries > 0) ++retries_;
  if (info_.tries < UINT8_MAX) ++info_.tries;
  info_.backend = choice.endpoint;
  info_.backend_id = choice.id;
  probes_ = choice.probe;
  balancer_.table().begin_connection(choice.id, choice.probe);
  if (backend_.valid()) return Attempt::under_way;
  note_failure(code);
  return Attempt::failed;
}

void Connector::on_backend_ready(event::Events events) {
  if (!events.writable() && header_ == nullptr) return;  // cannot be: readable before connected
  // A failed connect shows as EPOLLERR with EPOLLHUP, so success needs no getsockopt(2).
  if (events.error()) {
    note_failure(sys::take_pending_error(backend_.get()));
    return try_next();
  }
  backend_events_ = backend_events_.with(events);
  if (header_ != nullptr) return send_header();
  be_connected();
}

void Connector::be_connected() {
  timer_.cancel();
  info_.connected_at = reactor_.now();
  balancer_.table().note_connected(info_.backend_id, info_.connected_at);
  owner_.on_connected(*this, backend_events_);
}

/// Before anything of the client, and within the time of the attempt: it has been read of nothing
/// yet, so a backend that fails here loses nothing either.
void Connector::send_header() {
  int code = 0;
  switch (header_->advance(backend_.get(), code)) {
    case ProxyHeaderSending::Step::sent:
      return be_connected();
    case ProxyHeaderSending::Step::would_block:
      return;
    case ProxyHeaderSending::Step::failed:
      note_failure(code);
      return try_next();
  }
}

void Connector::on_due() {
  // Without a socket the wait was for descriptors or ports, and no backend is to blame.
  if (backend_.valid()) cut_short_ ? give_up_attempt(ETIMEDOUT) : note_failure(ETIMEDOUT);
  try_next();
}

void Connector::note_failure(int code) {
  balancer_.table().note_connect_failed(info_.backend_id, {.probe = probes_, .code = code},
                                        reactor_.now());
  probes_ = false;
  give_up_attempt(code);
}

void Connector::give_up_attempt(int code) {
  timer_.cancel();
  backend_watch_.cancel_closing();
  backend_.reset();
  release_backend();
  tried_.push_back(info_.backend);
  ++failures_;
  last_error_ = code;
  owner_.on_attempt_failed(*this, code);
}

/// A probe that has not been decided by now never will be.
void Connector::release_backend() {
  if (info_.backend_id == kNoBackend) return;
  if (std::exchange(probes_, false)) balancer_.table().abandon_probe(info_.backend_id);
  balancer_.table().end_connection(std::exchange(info_.backend_id, kNoBackend));
}

void Connector::start_timer(sys::Duration wait) {
  const sys::SteadyTime deadline = info_.accepted_at + limits_.deadline;
  cut_short_ = reactor_.now() + wait > deadline;
  timer_.start(cut_short_ ? deadline : reactor_.now() + wait);
}

void Connector::finish(ConnectFailure failure) {
  set_lack(false);
  if (failure != ConnectFailure::no_backend) cut();
  owner_.on_connect_failed(*this, failure);
}

}  // namespace kite::proxy
