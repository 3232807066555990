#include "tests/bench/load/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "tests/bench/load/pattern.h"

namespace kite::load {
namespace {

// The two streams of a connection begin at different places of the pattern.
constexpr uint64_t kAnswerShift = 31337;

Channel::Step failed_step() {
  // Before the handshake is over, sending gives EAGAIN too (tcp_sendmsg waits for the connect).
  return errno == EAGAIN || errno == EINTR ? Channel::Step::would_block : Channel::Step::failed;
}

}  // namespace

Channel Channel::client(sys::OwnedFd fd, const Order& order) {
  return {std::move(fd), order, order.seed, order.seed + kAnswerShift, false};
}

Channel Channel::server(sys::OwnedFd fd, const Order& order) {
  return {std::move(fd), order, order.seed + kAnswerShift, order.seed, true};
}

Channel::Step Channel::send_order() {
  const auto body = pattern().from(out_start_, owed_);
  iovec parts[] = {{&order_, sizeof order_}, {const_cast<uint8_t*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  const ssize_t count = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
  if (count == -1) return failed_step();
  // An empty send buffer takes more than an order at once.
  if (static_cast<size_t>(count) < sizeof order_) return Step::failed;
  ordered_ = true;
  sent_ = static_cast<uint64_t>(count) - sizeof order_;
  owed_ -= sent_;
  return Step::moved;
}

Channel::Step Channel::send_some() {
  if (!ordered_) return send_order();
  const auto bytes = pattern().from(out_start_ + sent_, owed_);
  const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count == -1) return failed_step();
  sent_ += static_cast<uint64_t>(count);
  owed_ -= static_cast<uint64_t>(count);
  return Step::moved;
}

Channel::Step Channel::receive_some(uint64_t bytes_max) {
  std::span<const uint8_t> got;
  const Step step = receive_raw(fd(), bytes_max, got);
  return step != Step::moved || take(got) ? step : Step::corrupt;
}

bool Channel::take(std::span<const uint8_t> bytes) {
  if (!pattern().matches(in_start_ + received_, bytes)) return false;
  received_ += bytes.size();
  return true;
}

Channel::Step receive_raw(int fd, uint64_t bytes_max, std::span<const uint8_t>& got) {
  static uint8_t buffer[kChunkBytes];
  const ssize_t count = ::recv(fd, buffer, std::min<uint64_t>(bytes_max, sizeof buffer), 0);
  if (count == -1) return failed_step();
  got = {buffer, static_cast<size_t>(count)};
  return count == 0 ? Channel::Step::ended : Channel::Step::moved;
}

}  // namespace kite::load
