#include "proxy/tunnel.h"

#include <utility>

#include "proxy/bulk_reads.h"
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
    case CloseReason::idle_timeout:
      return "idle_timeout";
    case CloseReason::task_removed:
      return "task_removed";
    case CloseReason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

/// What a tunnel with one failed side waits by.
struct Tunnel::Salvage {
  explicit Salvage(Tunnel& tunnel)
      : timer(tunnel.reactor_.timers(), event::Timer::OnDue::to<&Tunnel::on_salvage_due>(&tunnel)),
        end(tunnel.reactor_.now() + kSalvageMax) {}

  event::Timer timer;
  sys::SteadyTime end;
};

Tunnel::Tunnel(event::Reactor& reactor, RelayResources& resources, TunnelOwner& owner,
               const ConnectionInfo& info, sys::OwnedFd client, sys::OwnedFd backend)
    : reactor_(reactor),
      resources_(resources),
      owner_(owner),
      info_(info),
      client_(std::move(client), reactor,
              event::Watch::OnReady::to<&Tunnel::on_client_ready>(this)),
      backend_(std::move(backend), reactor,
               event::Watch::OnReady::to<&Tunnel::on_backend_ready>(this)),
      active_step_(step_now()) {}

Tunnel::~Tunnel() {
  if (has_mark()) resources_.bulk_reads.remove(*this);
  client_.outward.abandon(resources_.pipes);
  backend_.outward.abandon(resources_.pipes);
}

bool Tunnel::start(event::Watch& backend_watch, event::Events backend_events) {
  backend_.watch.adopt(backend_watch);
  if (!client_.watch.start(client_.fd.get(), event::Interest::edges)) return false;
  note_edges(backend_, client_, backend_events);
  // Read before asking: most clients have spoken while the backend was being connected.
  client_.outward.note_source_readable();
  advance();
  return true;
}

void Tunnel::keep_alive(const sys::Liveness& liveness) {
  if (!std::exchange(kept_alive_, true)) sys::keep_alive(backend_.fd.get(), liveness);
}

sys::Duration Tunnel::idle_for() const {
  const uint32_t steps = step_now() - active_step_;  // rounded either way, by less than one
  return steps == 0 ? sys::Duration() : sys::Duration((int64_t{steps} - 1) << kStepShift);
}

void Tunnel::cut(CloseReason reason) {
  KITE_CHECK(state_ != State::closed, "a closed tunnel is no longer its owner's to cut");
  close(reason);
}

void Tunnel::on_ready(Side& side, Side& other, event::Events events) {
  note_edges(side, other, events);
  if (events.error()) fail(side, other);
  advance();
}

void Tunnel::note_edges(Side& side, Side& other, event::Events events) {
  if (events.readable()) side.outward.note_source_readable();
  if (side.outward.blocked_by_sink()) mute(side);
  if (events.ended()) side.outward.note_source_ended();
  if (events.writable()) other.outward.note_sink_writable();
  if (events.urgent()) side.outward.note_source_urgent();
}

void Tunnel::on_salvage_due() {
  if (reactor_.now() < salvage_->end) return advance();
  close(client_.failed ? CloseReason::client_reset : CloseReason::backend_reset);
}

void Tunnel::advance() {
  active_step_ = step_now();
  const bool more_up = !client_.outward_done && advance_from(client_, backend_);
  const bool more_down = !backend_.outward_done && advance_from(backend_, client_);
  const CloseReason why = verdict(facts());
  if (why != CloseReason::none && survivor_has_everything()) {
    return close(why);  // last statement: *this is being retired
  }
  if (client_.failed || backend_.failed) keep_salvaging();
  if (more_up || more_down) client_.watch.recall();
}

/// Returns whether there is more to do that no edge will tell of.
bool Tunnel::advance_from(Side& source, Side& sink) {
  const uint64_t bytes_before = source.outward.bytes();
  const Relay::Step step = source.outward.advance({source.fd.get(), sink.fd.get()}, resources_);
  if (source.outward.bytes() != bytes_before) note_moved(source, sink);
  unmute_when_dry(source);
  switch (step) {
    case Relay::Step::waiting:
      return false;
    case Relay::Step::budget_spent:
      return true;
    case Relay::Step::end_of_stream:
      source.outward_done = true;
      // A failed source ends without FIN: the reset that follows tells the truth. When the other
      // direction has ended too, close(2) follows and sends the FIN.
      if (!source.failed && !sink.outward_done) sys::shutdown_write(sink.fd.get());
      return false;
    case Relay::Step::source_failed:
      source.outward_done = true;
      fail(source, sink);
      return false;
    case Relay::Step::sink_failed:
      fail(sink, source);
      return false;
  }
  return false;
}

/// While the sink takes nothing, each segment that arrives would wake us for nothing: with large
/// buffers, ten times for every time the sink has room again. DESIGN 23
void Tunnel::mute(Side& side) {
  if (side.muted || !side.outward.source_readable()) return;
  side.muted = true;
  side.watch.change(event::Interest::edges_but_read);
}

/// Registering anew tells of what came meanwhile (epoll_ctl(2), EPOLL_CTL_MOD), so nothing is lost.
void Tunnel::unmute_when_dry(Side& side) {
  if (!side.muted || side.outward.source_readable()) return;
  side.muted = false;
  side.watch.change(event::Interest::edges);
}

/// Bytes from one side end the other's run: whoever is answered may be waiting for the next answer.
void Tunnel::note_moved(Side& source, Side& sink) {
  source.still_steps = 0;
  if (sink.marked) lower_mark(sink);
  sink.run_begin = sink.outward.bytes();
  if (source.marked || !source.outward.splices()) return;
  if (source.outward.bytes() - source.run_begin >= BulkReads::kRunBytes) raise_mark(source);
}

void Tunnel::raise_mark(Side& side) {
  if (!has_mark()) resources_.bulk_reads.add(*this);
  side.marked = true;
  sys::set_low_water(side.fd.get(), BulkReads::kMarkBytes);
}

/// What rests below the mark is a new edge (socket(7)).
void Tunnel::lower_mark(Side& side) {
  side.marked = false;
  side.run_begin = side.outward.bytes();
  sys::set_low_water(side.fd.get(), 1);
  if (!has_mark()) resources_.bulk_reads.remove(*this);
}

/// A stream that comes slower than a mark a step is not worth one. While the sink takes nothing,
/// nothing is read with or without it; but who stops reading for long shall cost no steps either.
void Tunnel::on_bulk_step() {
  for (Side* side : {&client_, &backend_}) {
    if (!side->marked) continue;
    const bool blocked = side->outward.blocked_by_sink();
    if (++side->still_steps > (blocked ? BulkReads::kBlockedStepsMax : 1)) lower_mark(*side);
  }
}

/// Nothing reaches this side any more; what it sent before is still in its socket's queue.
void Tunnel::fail(Side& side, Side& other) {
  side.failed = true;
  other.outward_done = true;
  side.outward.note_source_readable();
  side.outward.note_source_ended();
}

TunnelFacts Tunnel::facts() const {
  return {.client_failed = client_.failed,
          .backend_failed = backend_.failed,
          .client_to_backend_done = client_.outward_done,
          .backend_to_client_done = backend_.outward_done};
}

/// Of the client nothing was taken, and it was given nothing. DESIGN 59
bool Tunnel::is_untouched() const {
  return !client_.failed && client_.outward.took_nothing() && backend_.outward.bytes() == 0;
}

/// A reset drops what the kernel still has to send (SO_LINGER), though the one who sent it may
/// have had it acknowledged by us: so the reset waits until the survivor has acknowledged it too.
bool Tunnel::survivor_has_everything() const {
  if (client_.failed == backend_.failed) return true;
  const Side& survivor = client_.failed ? backend_ : client_;
  return sys::unacknowledged_bytes(survivor.fd.get()) == 0;
}

void Tunnel::keep_salvaging() {
  if (state_ == State::relaying) {
    transition_to(State::salvaging);
    salvage_ = std::make_unique<Salvage>(*this);
    // The direction that failed may have been advanced before the failure was known.
    client_.watch.recall();
  }
  if (!salvage_->timer.armed()) salvage_->timer.start(reactor_.now() + kSalvageStep);
}

void Tunnel::close(CloseReason reason) {
  transition_to(State::closed);
  if (salvage_ != nullptr) salvage_->timer.cancel();  // it may be what is running
  if (has_mark()) resources_.bulk_reads.remove(*this);
  const bool client_goes_on =
      reason == CloseReason::backend_reset && is_untouched() && owner_.wants_client_back(*this);
  for (Side* side : {&client_, &backend_}) {
    side->marked = false;
    if (side == &client_ && client_goes_on) {
      side->watch.cancel();
      continue;
    }
    side->watch.cancel_closing();
    if (reason != CloseReason::finished) sys::reset_on_close(side->fd.get());
    side->fd.reset();
  }
  owner_.on_tunnel_closed(*this, reason);
}

void Tunnel::transition_to(State next) {
  KITE_CHECK(may_become(state_, next), "Tunnel::may_become lists every change of state");
  state_ = next;
}

}  // namespace kite::proxy
