#include "proxy/listener.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace kite::proxy {

namespace {

sys::Result<sys::OwnedFd, sys::ListenError> listen_everywhere(uint16_t port,
                                                              const sys::Liveness& liveness) {
  auto dual =
      sys::listen_tcp(sys::Endpoint::any_v6(port), {.accept_v4_too = true, .liveness = liveness});
  if (dual.ok()) return dual;
  // Hosts without IPv6 have no such socket family, or no such address.
  const int code = dual.error().code;
  if (code != EAFNOSUPPORT && code != EADDRNOTAVAIL) return dual;
  return sys::listen_tcp(sys::Endpoint::any_v4(port), {.liveness = liveness});
}

}  // namespace

Listener::Listener(event::Reactor& reactor, ListenerOwner& owner, const PortRoute& route)
    : reactor_(reactor),
      owner_(owner),
      route_(route),
      watch_(reactor, event::Watch::OnReady::to<&Listener::on_ready>(this)) {}

std::optional<sys::ListenError> Listener::open(const Options& options,
                                               sys::InheritedSockets& inherited) {
  fd_ = inherited.take(options.bind, route_.listen);
  inherited_ = fd_.valid();
  if (inherited_) {
    sys::adopt_listener(fd_.get(), options.liveness);
  } else {
    auto fd = options.bind ? sys::listen_tcp(options.bind->with_port(route_.listen),
                                             {.liveness = options.liveness})
                           : listen_everywhere(route_.listen, options.liveness);
    if (!fd.ok()) return fd.error();
    fd_ = std::move(fd.value());
  }
  if (!watch_.start(fd_.get(), event::Interest::read)) {
    const int code = errno;
    fd_.reset();
    return sys::ListenError{
        code, "cannot watch port " + std::to_string(route_.listen) + ": " + sys::errno_text(code)};
  }
  accepting_ = true;
  return std::nullopt;
}

void Listener::pause() {
  if (!accepting_) return;
  accepting_ = false;
  watch_.change(event::Interest::none);
}

void Listener::resume() {
  if (accepting_ || !fd_.valid()) return;
  accepting_ = true;
  watch_.change(event::Interest::read);
}

void Listener::close() {
  accepting_ = false;
  // The registration of an inherited socket would outlive our descriptor (epoll(7), Q6).
  inherited_ ? watch_.cancel() : watch_.cancel_closing();
  fd_.reset();
}

sys::OwnedFd Listener::release() {
  accepting_ = false;
  watch_.cancel();
  return std::move(fd_);
}

void Listener::on_ready(event::Events events) {
  // Nothing else makes a listening socket hang up, and that is told to a paused one as well.
  if (events.gone()) return owner_.on_listening_ended(*this);
  // Clients that come singly cost one call each, without a second that finds nobody; only a queue
  // that is still there in the next turn (the watch is level-triggered) is taken in larger bites.
  const uint64_t turn = reactor_.stats().turns;
  const bool queue_lasts = turn == turn_with_more_ + 1;
  accepts_per_turn_ = queue_lasts ? std::min(2 * accepts_per_turn_, kAcceptsPerTurnMax) : 1;
  for (int accepts = 0; accepts < accepts_per_turn_ && accepting_; ++accepts) {
    sys::OwnedFd client;
    sys::Endpoint peer;
    int saved_errno = 0;
    switch (sys::accept_tcp(fd_.get(), client, peer, saved_errno)) {
      case sys::AcceptStep::accepted:
        owner_.on_client_accepted(*this, std::move(client), peer);
        break;
      case sys::AcceptStep::would_block:
        return;
      case sys::AcceptStep::lost:
        break;
      case sys::AcceptStep::out_of_handles:
        owner_.on_handles_exhausted(*this, saved_errno);
        return;
      case sys::AcceptStep::not_listening:
        return owner_.on_listening_ended(*this);
    }
  }
  turn_with_more_ = turn;
}

}  // namespace kite::proxy
