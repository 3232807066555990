#include "tests/e2e/traffic/server.h"

#include <utility>

#include "sys/socket.h"

namespace kite::traffic {
namespace {

constexpr int kAcceptsPerTurn = 32;

class Listener final : public Target {
 public:
  Listener(Server& server, sys::OwnedFd socket) : server_(server), socket_(std::move(socket)) {}
  int fd() const override { return socket_.get(); }
  void on_ready(uint32_t /*events*/) override {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      sys::OwnedFd client;
      sys::Endpoint peer;
      int saved_errno = 0;
      const auto step = sys::accept_tcp(socket_.get(), client, peer, saved_errno);
      if (step == sys::AcceptStep::lost) continue;
      if (step != sys::AcceptStep::accepted) return;
      server_.on_accepted(std::move(client));
    }
  }

 private:
  Server& server_;
  sys::OwnedFd socket_;
};

}  // namespace

sys::Result<sys::Endpoint> Server::listen(const sys::Endpoint& endpoint) {
  auto socket = sys::listen_tcp(endpoint, {});
  if (!socket.ok()) return sys::Error{socket.error().message};
  const sys::Endpoint bound = sys::local_endpoint(socket->get());
  loop_.add(std::make_unique<Listener>(*this, std::move(*socket)), EPOLLIN);
  return bound;
}

void Server::on_accepted(sys::OwnedFd socket) {
  ++accepted_;
  auto end =
      std::make_unique<End>(loop_, *this, End::Role::server, std::move(socket), std::nullopt);
  End& added = *end;
  loop_.add(std::move(end), 0);
  added.start();
}

void Server::on_end_finished(const Record& record) {
  report_.add(record);
}

}  // namespace kite::traffic
