#include "tests/e2e/traffic/end.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "sys/socket.h"

namespace kite::traffic {
namespace {

constexpr auto kStuckAfter = std::chrono::seconds(30);
constexpr size_t kScratchBytes = 1U << 20;
constexpr int kRoundsPerTurn = 8;          // sends or receives before others get their turn
constexpr uint64_t kLateTailBytes = 1000;  // what a late answerer keeps back

enum Salt : uint64_t { kUpPattern = 1, kDownPattern, kClientChunks, kServerChunks };

/// One thread, so two buffers serve every connection.
std::vector<uint8_t>& scratch() {
  static std::vector<uint8_t> bytes(kScratchBytes);
  return bytes;
}
std::vector<uint8_t>& expected() {
  static std::vector<uint8_t> bytes(kScratchBytes);
  return bytes;
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  constexpr std::array<std::string_view, kOutcomes> kNames = {
      "complete",   "reset_sent",   "reset_seen",  "unplanned_cut",    "connect_failed",
      "mismatch",   "short_stream", "long_stream", "unexpected_reset", "eof_instead_of_reset",
      "bad_header", "stuck"};
  return kNames[static_cast<size_t>(outcome)];
}

End::End(Loop& loop, EndOwner& owner, Role role, sys::OwnedFd socket, std::optional<Plan> plan)
    : loop_(loop),
      owner_(owner),
      role_(role),
      socket_(std::move(socket)),
      connecting_(role == Role::client),
      last_progress_(loop.now()) {
  if (!plan) return;
  header_ = plan->encode();
  adopt_plan(*plan);
}

void End::start() {
  loop_.set_deadline(*this, loop_.now() + kStuckAfter);
  update_interest();
}

void End::adopt_plan(const Plan& plan) {
  plan_ = plan;
  const bool client = role_ == Role::client;
  out_pattern_ = Pattern(derive_seed(plan.seed, client ? kUpPattern : kDownPattern));
  in_pattern_ = Pattern(derive_seed(plan.seed, client ? kDownPattern : kUpPattern));
  chunk_state_ = derive_seed(plan.seed, client ? kClientChunks : kServerChunks);
  apply_buffer_size();
}

void End::apply_buffer_size() {
  const int bytes = static_cast<int>(mine().buffer_bytes);
  if (bytes == 0) return;
  // A refused size only makes the test milder.
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void End::on_ready(uint32_t events) {
  if (connecting_ && !finish_connect()) return;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) resting_ = false;  // they cannot be masked: take part
  Step step = Step::again;
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
    for (int i = 0; i < kRoundsPerTurn && step == Step::again && !resting_; ++i) step = receive();
    if (step == Step::finished) return;
  }
  step = Step::again;
  for (int i = 0; i < kRoundsPerTurn && step == Step::again; ++i) step = send_some();
  if (step == Step::finished) return;
  update_interest();
}

bool End::finish_connect() {
  const int error = sys::take_pending_error(socket_.get());
  if (error != 0) {
    finish(Outcome::connect_failed, error);
    return false;
  }
  connecting_ = false;
  last_progress_ = loop_.now();
  return true;
}

void End::on_deadline() {
  if (resting_) {
    resting_ = false;
    loop_.set_deadline(*this, last_progress_ + kStuckAfter);
    return update_interest();
  }
  if (loop_.now() - last_progress_ < kStuckAfter) {
    return loop_.set_deadline(*this, last_progress_ + kStuckAfter);
  }
  finish(Outcome::stuck);
}

End::Step End::receive_header() {
  const ssize_t count = ::recv(socket_.get(), header_.data() + header_done_,
                               header_.size() - header_done_, MSG_DONTWAIT);
  if (count <= 0) {
    const int saved_errno = errno;
    if (count == -1 && saved_errno == EAGAIN) return Step::blocked;
    if (count == 0 && header_done_ != 0)
      finish(Outcome::short_stream);
    else
      finish(Outcome::unplanned_cut, count == 0 ? 0 : saved_errno);
    return Step::finished;
  }
  header_done_ += static_cast<size_t>(count);
  if (header_done_ < header_.size()) return Step::again;
  const auto plan = Plan::decode(header_);
  if (!plan) {
    finish(Outcome::bad_header);
    return Step::finished;
  }
  adopt_plan(*plan);
  return Step::again;
}

End::Step End::receive() {
  if (!plan_) return receive_header();
  if (eof_seen_) return Step::blocked;
  chunk_state_ = derive_seed(chunk_state_, 0);
  const size_t size = 1 + chunk_state_ % mine().read_bytes_max;
  const ssize_t count = ::recv(socket_.get(), scratch().data(), size, MSG_DONTWAIT);
  if (count <= 0) return on_receive_end(count, errno);
  return on_received_bytes(static_cast<size_t>(count));
}

End::Step End::on_received_bytes(size_t count) {
  last_progress_ = loop_.now();
  if (in_hash_.bytes() + count > theirs().bytes) {
    finish(Outcome::long_stream);
    return Step::finished;
  }
  const std::span<uint8_t> wanted(expected().data(), count);
  in_pattern_.fill(in_hash_.bytes(), wanted);
  in_hash_.update({scratch().data(), count});
  if (std::memcmp(wanted.data(), scratch().data(), count) != 0) {
    finish(Outcome::mismatch);
    return Step::finished;
  }
  if (mine().read_pause_us != 0) {
    resting_ = true;
    loop_.set_deadline(*this, loop_.now() + std::chrono::microseconds(mine().read_pause_us));
  }
  return Step::again;
}

End::Step End::on_receive_end(ssize_t result, int saved_errno) {
  if (result == -1 && (saved_errno == EAGAIN || saved_errno == EINTR)) return Step::blocked;
  if (result == -1) {
    finish(theirs().resets() ? Outcome::reset_seen : Outcome::unexpected_reset, saved_errno);
    return Step::finished;
  }
  if (theirs().resets()) {
    finish(Outcome::eof_instead_of_reset);
    return Step::finished;
  }
  if (in_hash_.bytes() != theirs().bytes) {
    finish(Outcome::short_stream);
    return Step::finished;
  }
  eof_seen_ = true;
  last_progress_ = loop_.now();
  if (shutdown_sent_) {
    finish(Outcome::complete);
    return Step::finished;
  }
  return Step::again;
}

uint64_t End::sendable_bytes() const {
  uint64_t limit = std::min(mine().bytes, mine().reset_at);
  if (mine().answers_late && !eof_seen_) {
    limit = std::min(limit, mine().bytes - std::min(mine().bytes, kLateTailBytes));
  }
  return limit - out_hash_.bytes();
}

End::Step End::send_header() {
  const ssize_t count = ::send(socket_.get(), header_.data() + header_done_,
                               header_.size() - header_done_, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count == -1) return on_send_error(errno);
  header_done_ += static_cast<size_t>(count);
  return Step::again;
}

End::Step End::send_some() {
  if (!plan_) return Step::blocked;
  if (role_ == Role::client && header_done_ < header_.size()) return send_header();
  const uint64_t left = sendable_bytes();
  if (left == 0) return may_finish_sending() ? Step::finished : Step::blocked;
  chunk_state_ = derive_seed(chunk_state_, 0);
  const size_t size =
      static_cast<size_t>(std::min<uint64_t>(left, 1 + chunk_state_ % mine().chunk_bytes_max));
  const std::span<uint8_t> chunk(scratch().data(), size);
  out_pattern_.fill(out_hash_.bytes(), chunk);
  const ssize_t count = ::send(socket_.get(), chunk.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count == -1) return on_send_error(errno);
  out_hash_.update(chunk.first(static_cast<size_t>(count)));
  last_progress_ = loop_.now();
  return Step::again;
}

End::Step End::on_send_error(int saved_errno) {
  if (saved_errno == EAGAIN || saved_errno == EINTR) return Step::blocked;
  finish(theirs().resets() ? Outcome::reset_seen : Outcome::unexpected_reset, saved_errno);
  return Step::finished;
}

/// Nothing may be sent now: half-close, cut, or wait. True when the connection is over.
bool End::may_finish_sending() {
  if (out_hash_.bytes() == mine().reset_at) {
    sys::reset_on_close(socket_.get());
    finish(Outcome::reset_sent);
    return true;
  }
  if (out_hash_.bytes() != mine().bytes || shutdown_sent_) return false;
  if (mine().answers_late && !eof_seen_) return false;
  sys::shutdown_write(socket_.get());
  shutdown_sent_ = true;
  if (!eof_seen_) return false;
  finish(Outcome::complete);
  return true;
}

void End::update_interest() {
  uint32_t wanted = 0;
  const bool header_left = role_ == Role::client && header_done_ < header_.size();
  const bool close_left =
      plan_ && sendable_bytes() == 0 && !shutdown_sent_ && !(mine().answers_late && !eof_seen_);
  if (connecting_ || header_left || (plan_ && sendable_bytes() != 0) || close_left) {
    wanted |= EPOLLOUT;
  }
  if (!connecting_ && !eof_seen_ && !resting_) wanted |= EPOLLIN;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.change(*this, wanted);
}

void End::finish(Outcome outcome, int saved_errno) {
  if (std::exchange(finished_, true)) return;
  Record record;
  record.outcome = outcome;
  record.saved_errno = saved_errno;
  if (plan_) {
    record.id = plan_->id;
    record.answered_late = mine().answers_late;
  }
  record.sent_bytes = out_hash_.bytes();
  record.sent_hash = out_hash_.value();
  record.received_bytes = in_hash_.bytes();
  record.received_hash = in_hash_.value();
  loop_.remove(*this);  // closes at the end of the turn
  owner_.on_end_finished(record);
}

}  // namespace kite::traffic
