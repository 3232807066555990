#include "tests/bench/load/exchange_client.h"

#include <algorithm>

namespace kite::load {
namespace {

using Step = Channel::Step;

// More failures than this and the figures would be of something else.
constexpr uint64_t kFailuresMax = 100;
constexpr std::chrono::seconds kPatience{5};

}  // namespace

ExchangeClient::ExchangeClient(const Options& options)
    : options_(options),
      dialer_(options.targets),
      measurement_(options.measurement),
      pacer_(options.per_second),
      slots_(options.connections) {
  order_.request_bytes = options.request_bytes;
  order_.answer_bytes = options.answer_bytes;
}

std::string ExchangeClient::run() {
  for (Slot& slot : slots_) idle_.push_back(&slot);
  if (!options_.fresh) open_all();
  pacer_.start(measurement_.start());
  while (!measurement_.over()) {
    const Time now = Clock::now();
    measurement_.on_turn(now, 0);
    begin_due(now);
    turn(idle_.empty() ? measurement_.next_edge()
                       : std::min(measurement_.next_edge(), pacer_.next()));
  }
  measurement_.note_unfinished(pacer_.backlog(Clock::now()));
  return measurement_.report();
}

/// One exchange on each connection, so that the run begins with connections that work.
void ExchangeClient::open_all() {
  while (!idle_.empty()) begin(take_idle(), Clock::now());
  finish();
}

void ExchangeClient::finish() {
  const Time limit = Clock::now() + kPatience;
  while (idle_.size() < slots_.size()) {
    if (Clock::now() > limit) refuse("an answer does not come");
    turn(limit);
  }
}

void ExchangeClient::turn(Time deadline) {
  for (const epoll_event& event : poller_.wait(deadline)) {
    on_ready(*static_cast<Slot*>(event.data.ptr), event.events);
  }
}

/// Saturating, every idle slot; at a fixed rate, what is due.
void ExchangeClient::begin_due(Time now) {
  while (!idle_.empty()) {
    const std::optional<Time> due = saturates() ? now : pacer_.take(now);
    if (!due) return;
    begin(take_idle(), *due);
  }
}

ExchangeClient::Slot& ExchangeClient::take_idle() {
  Slot& slot = *idle_.front();
  idle_.pop_front();
  return slot;
}

void ExchangeClient::begin(Slot& slot, Time begun) {
  slot.begun = begun;
  if (!slot.channel) {
    sys::OwnedFd fd = dialer_.dial();
    if (!fd.valid()) return fail(slot, "connect");
    ++order_.seed;
    slot.channel = Channel::client(std::move(fd), order_);
    slot.expected = 0;
    slot.interest = EPOLLIN;
    poller_.add(slot.channel->fd(), slot.interest, &slot);
  }
  slot.expected += options_.answer_bytes;
  slot.channel->owe(options_.request_bytes);
  send(slot);
}

void ExchangeClient::send(Slot& slot) {
  if (slot.channel->send_some() == Step::failed) return fail(slot, "send");
  const uint32_t interest = EPOLLIN | (slot.channel->has_to_send() ? EPOLLOUT : 0U);
  if (interest == slot.interest) return;
  slot.interest = interest;
  poller_.change(slot.channel->fd(), interest, &slot);
}

void ExchangeClient::on_ready(Slot& slot, uint32_t events) {
  if ((events & ~EPOLLOUT) != 0) {
    const Step step = slot.channel->receive_some();
    if (step == Step::corrupt) return fail(slot, "bytes that the server did not send");
    if (step == Step::ended) return fail(slot, "early end of stream");
    if (step == Step::failed) return fail(slot, "receive");
    if (slot.channel->received() == slot.expected) return complete(slot);
  }
  if (slot.channel->has_to_send()) send(slot);
}

void ExchangeClient::complete(Slot& slot) {
  const Time now = Clock::now();
  measurement_.note_exchange(slot.begun, now);
  if (options_.fresh) slot.channel.reset();
  if (saturates() && measurement_.running()) return begin(slot, now);
  idle_.push_back(&slot);
}

void ExchangeClient::fail(Slot& slot, const char* step) {
  measurement_.note_failure();
  if (measurement_.failures() >= kFailuresMax) give_up(step);
  slot.channel.reset();
  idle_.push_back(&slot);
}

}  // namespace kite::load
