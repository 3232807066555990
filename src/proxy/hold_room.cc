#include "proxy/hold_room.h"

#include <algorithm>
#include <utility>

#include "sys/check.h"
#include "sys/fit.h"
#include "sys/socket.h"

namespace kite::proxy {

struct HoldRoom::Held final : public event::Retirable {
  Held(HoldRoom& its_room, WaitingClient its_client)
      : room(its_room),
        client(std::move(its_client)),
        deadline(room.reactor_.now() + room.options_.wait),
        watch(room.reactor_, event::Watch::OnReady::to<&Held::on_ready>(this)) {
    // Where the kernel registers no more descriptors, one that leaves goes unnoticed.
    static_cast<void>(watch.start(client.fd.get(), event::Interest::end));
  }

  /// FIN alone is no farewell: who has sent a request may end its direction and wait for the
  /// answer. Who has sent nothing has nothing to wait for.
  void on_ready(event::Events events) {
    const bool only_half = !events.gone();
    if (only_half && sys::unread_bytes(client.fd.get()) > 0) return;
    room.on_left(*this);
  }

  HoldRoom& room;
  WaitingClient client;
  sys::SteadyTime deadline;
  event::Watch watch;
};

HoldRoom::HoldRoom(event::Reactor& reactor, HoldOwner& owner, const Options& options, Serves serves)
    : reactor_(reactor),
      owner_(owner),
      options_(options),
      serves_(std::move(serves)),
      timer_(reactor.timers(), event::Timer::OnDue::to<&HoldRoom::on_due>(this)),
      more_to_release_(reactor, event::Continuation::OnTurn::to<&HoldRoom::release>(this)) {}

HoldRoom::~HoldRoom() = default;

bool HoldRoom::admit(WaitingClient& client) {
  if (options_.wait == sys::Duration::zero() || held_.size() >= options_.clients_max) return false;
  held_.push_back(std::make_unique<Held>(*this, std::move(client)));
  keep_time();
  return true;
}

void HoldRoom::release() {
  size_t released = 0;
  for (size_t i = 0; i < held_.size();) {
    if (!serves_(held_[i]->client.container_port)) {
      ++i;
      continue;
    }
    if (++released > kClientsPerTurn) {
      more_to_release_.request();
      break;
    }
    const std::unique_ptr<Held> held = take(i);
    held->watch.cancel();
    owner_.on_hold_released(std::move(held->client));
  }
  keep_time();
}

std::vector<ConnectionInfo> HoldRoom::cut(const Belongs& belongs) {
  std::vector<ConnectionInfo> gone;
  for (size_t i = 0; i < held_.size();) {
    if (!belongs(held_[i]->client.info)) {
      ++i;
      continue;
    }
    std::unique_ptr<Held> held = take(i);
    sys::reset_on_close(held->client.fd.get());
    held->watch.cancel();
    gone.push_back(held->client.info);
    reactor_.destroy_later(std::move(held));
  }
  keep_time();
  return gone;
}

void HoldRoom::on_due() {
  for (size_t i = 0; i < kClientsPerTurn && !held_.empty(); ++i) {
    if (held_.front()->deadline > reactor_.now()) break;
    const std::unique_ptr<Held> held = take(0);
    held->watch.cancel();
    sys::reset_on_close(held->client.fd.get());
    owner_.on_hold_ended(held->client, HoldEnd::over);
  }
  keep_time();
}

void HoldRoom::on_left(Held& left) {
  const auto found = std::find_if(held_.begin(), held_.end(),
                                  [&](const auto& held) { return held.get() == &left; });
  KITE_CHECK(found != held_.end(), "only who is in the room can leave it");
  std::unique_ptr<Held> held = take(static_cast<size_t>(found - held_.begin()));
  held->watch.cancel();
  held->client.fd.reset();
  owner_.on_hold_ended(held->client, HoldEnd::left);
  reactor_.destroy_later(std::move(held));  // it is what called
  keep_time();
}

std::unique_ptr<HoldRoom::Held> HoldRoom::take(size_t index) {
  std::unique_ptr<Held> held = std::move(held_[index]);
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  return held;
}

void HoldRoom::keep_time() {
  if (held_.empty()) {
    timer_.cancel();
    more_to_release_.cancel();
    sys::fit(held_);
  } else if (!timer_.armed()) {
    timer_.start(held_.front()->deadline);
  }
}

}  // namespace kite::proxy
