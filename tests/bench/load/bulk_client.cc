#include "tests/bench/load/bulk_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>

namespace kite::load {
namespace {

using Step = Channel::Step;

constexpr uint64_t kEndless = UINT64_MAX / 2;
constexpr timeval kDrainMax{10, 0};

Order order_for(BulkClient::Direction direction) {
  Order order;
  order.is_source = direction == BulkClient::Direction::down;
  order.answer_bytes = direction == BulkClient::Direction::echo;
  order.wants_receipt = direction != BulkClient::Direction::down;
  return order;
}

}  // namespace

BulkClient::BulkClient(const Options& options)
    : options_(options),
      dialer_(options.targets),
      measurement_(options.measurement),
      connections_(options.connections) {}

std::string BulkClient::run() {
  open_all();
  measurement_.start();
  while (!measurement_.over()) {
    measurement_.on_turn(Clock::now(), moved());
    turn(measurement_.next_edge());
  }
  return measurement_.report();
}

void BulkClient::open_all() {
  Order order = order_for(options_.direction);
  const bool sends = options_.direction != Direction::down;
  for (Connection& connection : connections_) {
    ++order.seed;
    sys::OwnedFd fd = dialer_.dial();
    if (!fd.valid()) give_up("connect");
    connection.channel = Channel::client(std::move(fd), order);
    if (sends) connection.channel->owe(kEndless);
    poller_.add(connection.channel->fd(), EPOLLIN | EPOLLOUT, &connection);
  }
}

void BulkClient::turn(Time deadline) {
  for (const epoll_event& event : poller_.wait(deadline)) {
    on_ready(*static_cast<Connection*>(event.data.ptr), event.events);
  }
}

void BulkClient::on_ready(Connection& connection, uint32_t events) {
  Channel& channel = *connection.channel;
  if ((events & ~EPOLLOUT) != 0) {
    const Step step = channel.receive_some();
    if (step == Step::corrupt) refuse("bytes that the server did not send");
    if (step == Step::ended) refuse("early end of stream");
    if (step == Step::failed) give_up("receive");
  }
  if (!channel.has_to_send() || (events & EPOLLOUT) == 0) return;
  if (channel.send_some() == Step::failed) give_up("send");
  if (!channel.has_to_send()) poller_.change(channel.fd(), EPOLLIN, &connection);
}

uint64_t BulkClient::moved() const {
  uint64_t total = 0;
  for (const Connection& connection : connections_) {
    const Channel& channel = *connection.channel;
    total += options_.direction == Direction::up ? channel.sent() : channel.received();
  }
  return total;
}

void BulkClient::finish() {
  if (options_.direction == Direction::down) return;
  for (Connection& connection : connections_) {
    ::shutdown(connection.channel->fd(), SHUT_WR);
  }
  for (Connection& connection : connections_) read_to_end(connection);
}

/// The rest of the echo, then the server's receipt, then its end of stream.
void BulkClient::read_to_end(Connection& connection) {
  Channel& channel = *connection.channel;
  const int fd = channel.fd();
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kDrainMax, sizeof kDrainMax);
  const uint64_t expected = options_.direction == Direction::echo ? channel.sent() : 0;
  while (channel.received() < expected) {
    const Step step = channel.receive_some(expected - channel.received());
    if (step == Step::corrupt) refuse("bytes that the client did not send came back");
    if (step == Step::ended) refuse("the end of the echo is missing, and no reset says so");
    if (step != Step::moved) give_up("the rest of the echo");
  }
  Receipt receipt = 0;
  if (::recv(fd, &receipt, sizeof receipt, MSG_WAITALL) != sizeof receipt) refuse("no receipt");
  if (receipt != channel.sent()) refuse("the server got another number of bytes");
  if (::recv(fd, &receipt, sizeof receipt, 0) != 0) refuse("no end of stream");
}

}  // namespace kite::load
