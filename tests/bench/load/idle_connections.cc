#include "tests/bench/load/idle_connections.h"

#include <poll.h>

#include "tests/bench/load/poller.h"

namespace kite::load {
namespace {

constexpr int kPatienceMs = 10000;

bool wait_for(const Channel& channel, short event) {
  pollfd waiting{channel.fd(), event, 0};
  return ::poll(&waiting, 1, kPatienceMs) == 1;
}

}  // namespace

std::vector<Channel> open_idle(Dialer& dialer, size_t count) {
  std::vector<Channel> opened;
  for (size_t i = 0; i < count; ++i) {
    sys::OwnedFd fd = dialer.dial();
    if (!fd.valid()) give_up("connect of an idle connection");
    Channel channel = Channel::client(std::move(fd), Order{});
    channel.owe(1);
    while (channel.has_to_send()) {
      if (!wait_for(channel, POLLOUT)) give_up("idle connection");
      if (channel.send_some() == Channel::Step::failed) give_up("send on an idle connection");
    }
    if (!wait_for(channel, POLLIN) || channel.receive_some() != Channel::Step::moved) {
      refuse("an idle connection got no answer");
    }
    opened.push_back(std::move(channel));
  }
  return opened;
}

}  // namespace kite::load
