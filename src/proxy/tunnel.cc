#include "proxy/tunnel.h"

#include <utility>

#include "sys/check.h"
#include "sys/socket.h"

namespace kite::proxy {

std::string_view close_reason_name(CloseReason reason) {
  switch (reason) {
    case CloseReason::none:
      return "none";
    case CloseReason::finished:
      return "finished";
    case CloseReason::client_reset:
      return "client_reset";
    case CloseReason::backend_reset:
      return "backend_reset";
    case CloseReason::port_closed:
      return "port_closed";
    case CloseReason::no_watch:
      return "no_watch";
    case CloseReason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

Tunnel::Tunnel(event::Reactor& reactor, RelayResources& resources, TunnelOwner& owner,
               const ConnectionInfo& info, sys::OwnedFd client, sys::OwnedFd backend)
    : reactor_(reactor),
      resources_(resources),
      owner_(owner),
      info_(info),
      client_(std::move(client)),
      backend_(std::move(backend)),
      client_watch_(reactor, event::Watch::OnReady::to<&Tunnel::on_client_ready>(this)),
      backend_watch_(reactor, event::Watch::OnReady::to<&Tunnel::on_backend_ready>(this)),
      continuation_(reactor, event::Continuation::OnTurn::to<&Tunnel::on_turn>(this)),
      salvage_timer_(reactor.timers(), event::Timer::OnDue::to<&Tunnel::on_salvage_due>(this)) {}

Tunnel::~Tunnel() {
  client_to_backend_.abandon(resources_.pipes);
  backend_to_client_.abandon(resources_.pipes);
}

bool Tunnel::start(event::Watch& backend_watch, event::Events backend_events) {
  backend_watch_.adopt(backend_watch);
  if (!client_watch_.start(client_.get(), event::Interest::edges)) return false;
  if (backend_events.readable()) backend_to_client_.note_source_readable();
  if (backend_events.urgent()) backend_to_client_.note_source_urgent(backend_.get());
  // Read before asking: most clients have spoken while the backend was being connected.
  client_to_backend_.note_source_readable();
  advance();
  return true;
}

void Tunnel::cut(CloseReason reason) {
  KITE_CHECK(state_ != State::closed, "a closed tunnel is no longer its owner's to cut");
  close(reason);
}

void Tunnel::on_client_ready(event::Events events) {
  if (events.readable()) client_to_backend_.note_source_readable();
  if (events.writable()) backend_to_client_.note_sink_writable();
  if (events.urgent()) client_to_backend_.note_source_urgent(client_.get());
  if (events.error()) fail_client();
  advance();
}

void Tunnel::on_backend_ready(event::Events events) {
  if (events.readable()) backend_to_client_.note_source_readable();
  if (events.writable()) client_to_backend_.note_sink_writable();
  if (events.urgent()) backend_to_client_.note_source_urgent(backend_.get());
  if (events.error()) fail_backend();
  advance();
}

void Tunnel::on_turn() {
  advance();
}

void Tunnel::on_salvage_due() {
  if (reactor_.now() < salvage_end_) return advance();
  close(facts_.client_failed ? CloseReason::client_reset : CloseReason::backend_reset);
}

void Tunnel::advance() {
  const bool more_up = !facts_.client_to_backend_done && advance_client_to_backend();
  const bool more_down = !facts_.backend_to_client_done && advance_backend_to_client();
  const CloseReason why = verdict(facts_);
  if (why != CloseReason::none && survivor_has_everything()) {
    return close(why);  // last statement: *this is being retired
  }
  if (facts_.client_failed || facts_.backend_failed) salvage();
  if (more_up || more_down) continuation_.request();
}

/// Returns whether there is more to do that no edge will tell of.
bool Tunnel::advance_client_to_backend() {
  switch (client_to_backend_.advance({client_.get(), backend_.get()}, resources_)) {
    case Relay::Step::waiting:
      return false;
    case Relay::Step::budget_spent:
      return true;
    case Relay::Step::end_of_stream:
      facts_.client_to_backend_done = true;
      // A failed source ends without FIN: the reset that follows tells the truth.
      if (!facts_.client_failed) sys::shutdown_write(backend_.get());
      return false;
    case Relay::Step::source_failed:
      facts_.client_to_backend_done = true;
      fail_client();
      return false;
    case Relay::Step::sink_failed:
      fail_backend();
      return false;
  }
  return false;
}

bool Tunnel::advance_backend_to_client() {
  switch (backend_to_client_.advance({backend_.get(), client_.get()}, resources_)) {
    case Relay::Step::waiting:
      return false;
    case Relay::Step::budget_spent:
      return true;
    case Relay::Step::end_of_stream:
      facts_.backend_to_client_done = true;
      if (!facts_.backend_failed) sys::shutdown_write(client_.get());
      return false;
    case Relay::Step::source_failed:
      facts_.backend_to_client_done = true;
      fail_backend();
      return false;
    case Relay::Step::sink_failed:
      fail_client();
      return false;
  }
  return false;
}

/// Nothing reaches the client any more; what it sent before is still in its socket's queue.
void Tunnel::fail_client() {
  facts_.client_failed = true;
  facts_.backend_to_client_done = true;
  client_to_backend_.note_source_readable();
}

void Tunnel::fail_backend() {
  facts_.backend_failed = true;
  facts_.client_to_backend_done = true;
  backend_to_client_.note_source_readable();
}

/// A reset drops what the kernel still has to send (SO_LINGER), though the one who sent it may
/// have had it acknowledged by us: so the reset waits until the survivor has acknowledged it too.
bool Tunnel::survivor_has_everything() const {
  if (facts_.client_failed == facts_.backend_failed) return true;
  const int survivor_fd = facts_.client_failed ? backend_.get() : client_.get();
  return sys::unacknowledged_bytes(survivor_fd) == 0;
}

void Tunnel::salvage() {
  if (state_ == State::relaying) {
    transition_to(State::salvaging);
    salvage_end_ = reactor_.now() + kSalvageMax;
    // The direction that failed may have been advanced before the failure was known.
    continuation_.request();
  }
  if (!salvage_timer_.armed()) salvage_timer_.start(reactor_.now() + kSalvageStep);
}

void Tunnel::close(CloseReason reason) {
  transition_to(State::closed);
  client_watch_.cancel();
  backend_watch_.cancel();
  continuation_.cancel();
  salvage_timer_.cancel();
  if (reason != CloseReason::finished) {
    sys::reset_on_close(client_.get());
    sys::reset_on_close(backend_.get());
  }
  client_.reset();
  backend_.reset();
  owner_.on_tunnel_closed(*this, reason);
}

void Tunnel::transition_to(State next) {
  KITE_CHECK(may_become(state_, next), "Tunnel::may_become lists every change of state");
  state_ = next;
}

}  // namespace kite::proxy
