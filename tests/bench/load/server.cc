#include "tests/bench/load/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>

#include "sys/socket.h"
#include "tests/bench/load/channel.h"
#include "tests/bench/load/order.h"
#include "tests/bench/load/pattern.h"

namespace kite::load {
namespace {

using Step = Channel::Step;

// Echoed bytes that may wait before reading pauses, so that a slow reader slows the writer down.
constexpr uint64_t kOwedBytesMax = uint64_t{256} << 10;
constexpr uint64_t kEndless = UINT64_MAX / 2;
constexpr int kAcceptsPerTurn = 64;

}  // namespace

/// A listener as long as it has no channel and `is_listener`; else one client's connection, first
/// collecting its order, then with a channel.
struct Server::Connection {
  sys::OwnedFd fd;  ///< until the channel owns it
  bool is_listener = false;
  Order order;
  size_t order_bytes = 0;
  std::optional<Channel> channel;
  uint64_t answered = 0;  ///< requests whose answer is owed or sent
  bool at_end = false;    ///< the client sends no more
  uint32_t interest = EPOLLIN;

  int number() const { return channel ? channel->fd() : fd.get(); }
  Step receive();
  Step receive_order();
  bool finish();

 private:
  void owe_answers();
};

/// One receive, and what is owed for it.
Step Server::Connection::receive() {
  const Step step = channel ? channel->receive_some() : receive_order();
  if (step == Step::moved) owe_answers();
  if (step == Step::ended) at_end = true;
  return step;
}

Step Server::Connection::receive_order() {
  std::span<const uint8_t> got;
  const Step step = receive_raw(fd.get(), kChunkBytes, got);
  if (step != Step::moved) return step;
  const size_t missing = sizeof order - order_bytes;
  const size_t count = std::min(missing, got.size());
  std::memcpy(reinterpret_cast<uint8_t*>(&order) + order_bytes, got.data(), count);
  order_bytes += count;
  if (count < missing) return step;
  if (order.magic != Order::kMagic || order.request_bytes == 0) return Step::corrupt;
  channel = Channel::server(std::move(fd), order);
  if (order.is_source != 0) channel->owe(kEndless);
  return channel->take(got.subspan(count)) ? step : Step::corrupt;
}

void Server::Connection::owe_answers() {
  if (!channel || order.is_source != 0) return;
  const uint64_t requests = channel->received() / order.request_bytes;
  channel->owe((requests - answered) * order.answer_bytes);
  answered = requests;
}

/// Whether the connection is over now; sends the receipt if one is wanted.
bool Server::Connection::finish() {
  if (!at_end) return false;
  if (!channel || order.wants_receipt == 0) return true;
  if (channel->owed() != 0 && order.is_source == 0) return false;
  const Receipt receipt = channel->received();
  // A socket whose answers are all with the kernel may be full: then the client misses its receipt
  // and says so. In practice 8 bytes fit, for the client reads until the end.
  static_cast<void>(::send(channel->fd(), &receipt, sizeof receipt, MSG_NOSIGNAL));
  return true;
}

Server::Server(const std::vector<sys::Endpoint>& endpoints) {
  poller_.add(STDIN_FILENO, EPOLLIN, nullptr);
  for (const sys::Endpoint& endpoint : endpoints) {
    auto listening = sys::listen_tcp(endpoint, {});
    if (!listening.ok()) refuse(listening.error().message.c_str());
    auto listener = std::make_unique<Connection>();
    listener->fd = std::move(*listening);
    listener->is_listener = true;
    poller_.add(listener->number(), EPOLLIN, listener.get());
    const auto index = static_cast<size_t>(listener->number());
    if (by_fd_.size() <= index) by_fd_.resize(index + 1);
    by_fd_[index] = std::move(listener);
  }
}

Server::~Server() = default;

void Server::run() {
  for (;;) {
    for (const epoll_event& event : poller_.wait(Time::max())) {
      if (event.data.ptr == nullptr) return;
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      if (connection.is_listener) {
        accept_some(connection.number());
      } else {
        on_ready(connection, event.events);
      }
    }
  }
}

void Server::accept_some(int listener_fd) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sys::OwnedFd fd(::accept4(listener_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    const auto index = static_cast<size_t>(fd.get());
    if (by_fd_.size() <= index) by_fd_.resize(index + 1);
    by_fd_[index] = std::make_unique<Connection>();
    by_fd_[index]->fd = std::move(fd);
    poller_.add(static_cast<int>(index), EPOLLIN, by_fd_[index].get());
  }
}

void Server::on_ready(Connection& connection, uint32_t events) {
  if ((events & ~EPOLLOUT) != 0 && !connection.at_end) {
    const Step step = connection.receive();
    if (step == Step::corrupt) {
      std::fprintf(stderr, "load: the server got bytes that no client sent\n");
      sys::reset_on_close(connection.number());
    }
    if (step == Step::corrupt || step == Step::failed) return remove(connection);
  }
  if (connection.channel && connection.channel->owed() != 0 &&
      connection.channel->send_some() == Step::failed) {
    return remove(connection);
  }
  if (connection.finish()) return remove(connection);
  update_interest(connection);
}

void Server::update_interest(Connection& connection) {
  const uint64_t owed = connection.channel ? connection.channel->owed() : 0;
  const bool may_read =
      !connection.at_end && (connection.order.is_source != 0 || owed < kOwedBytesMax);
  const uint32_t interest = (may_read ? EPOLLIN : 0U) | (owed != 0 ? EPOLLOUT : 0U);
  if (interest == connection.interest) return;
  connection.interest = interest;
  poller_.change(connection.number(), interest, &connection);
}

void Server::remove(Connection& connection) {
  by_fd_[static_cast<size_t>(connection.number())].reset();
}

}  // namespace kite::load
