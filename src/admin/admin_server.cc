#include "admin/admin_server.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/check.h"
#include "sys/socket.h"
#include "sys/unix_socket.h"

namespace kite::admin {

namespace {

sys::Error cannot_start(const sys::StreamAddress& address, const sys::ListenError& error) {
  std::string message = "the admin address: " + error.message;
  if (error.code == EADDRINUSE && address.unix_path.empty()) {
    message += "; another process, perhaps another kite, has it: give -admin=127.0.0.1:PORT";
  } else if (error.code == EADDRNOTAVAIL || error.code == EACCES) {
    message += "; give one of this host with -admin=ADDRESS:PORT or -admin=unix:/PATH";
  }
  return {message + ", or do without by -admin=off"};
}

}  // namespace

AdminServer::AdminServer(event::Reactor& reactor, AdminPages& pages, size_t connections_max)
    : reactor_(reactor),
      pages_(pages),
      connections_max_(connections_max),
      watch_(reactor, event::Watch::OnReady::to<&AdminServer::on_ready>(this)),
      resume_timer_(reactor.timers(), event::Timer::OnDue::to<&AdminServer::resume>(this)) {
  KITE_CHECK(connections_max_ >= 2, "a burst is half of the places");
}

AdminServer::~AdminServer() {
  stop();
}

sys::Result<sys::Done> AdminServer::start(const sys::StreamAddress& address) {
  const bool at_path = !address.unix_path.empty();
  auto fd = at_path ? sys::listen_unix(address.unix_path, kBacklog)
                    : sys::listen_tcp(address.endpoint, {.backlog = kBacklog});
  if (!fd.ok()) return cannot_start(address, fd.error());
  fd_ = std::move(fd.value());
  if (at_path) host_rule_ = HostRule::any;
  if (!watch_.start(fd_.get(), event::Interest::read)) {
    const int code = errno;
    return cannot_start(address, {code, "cannot watch it: " + sys::errno_text(code)});
  }
  return sys::Done{};
}

void AdminServer::stop() {
  resume_timer_.cancel();
  watch_.cancel();
  fd_.reset();
  connections_.clear();
}

sys::Endpoint AdminServer::endpoint() const {
  return sys::local_endpoint(fd_.get());
}

void AdminServer::on_ready(event::Events) {
  constexpr sys::Duration kPerAccept = sys::Duration(std::chrono::seconds(1)) / kAcceptsPerSecond;
  const sys::Duration burst = kPerAccept * static_cast<int64_t>(connections_max_ / 2);
  accepts_paid_ = std::max(accepts_paid_, reactor_.now());
  if (accepts_paid_ > reactor_.now() + burst) return pause_until(accepts_paid_ - burst);
  sys::OwnedFd client;
  sys::Endpoint peer;
  int saved_errno = 0;
  switch (sys::accept_tcp(fd_.get(), client, peer, saved_errno)) {
    case sys::AcceptStep::accepted:
      accepts_paid_ += kPerAccept;
      return add(std::move(client));
    case sys::AcceptStep::would_block:
    case sys::AcceptStep::lost:
    case sys::AcceptStep::not_listening:  // cannot be: nobody shares this socket
      return;
    case sys::AcceptStep::out_of_handles:
      // Clients of the proxy come first; its listeners say what is wrong.
      return pause_until(reactor_.now() + kHandlesPause);
  }
}

void AdminServer::pause_until(sys::SteadyTime time) {
  watch_.change(event::Interest::none);
  resume_timer_.start(time);
}

void AdminServer::resume() {
  watch_.change(event::Interest::read);
}

void AdminServer::add(sys::OwnedFd client) {
  ++stats_.accepted_total;
  if (connections_.size() >= connections_max_) evict_oldest();
  auto connection = std::make_unique<AdminConnection>(
      AdminConnection::Deps{reactor_, pages_, stats_, *this, host_rule_}, std::move(client));
  if (connection->start()) connections_.push_back(std::move(connection));
}

void AdminServer::evict_oldest() {
  ++stats_.evicted_total;
  // Not from within one of its handlers: this is the listener's.
  connections_.erase(connections_.begin());
}

void AdminServer::on_connection_ended(AdminConnection& connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& each) { return each.get() == &connection; });
  KITE_CHECK(found != connections_.end(), "a connection ends once");
  reactor_.destroy_later(std::move(*found));
  connections_.erase(found);
}

}  // namespace kite::admin
