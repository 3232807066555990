#include "admin/admin_connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/check.h"
#include "sys/socket.h"

namespace kite::admin {

AdminConnection::AdminConnection(const Deps& deps, sys::OwnedFd fd)
    : reactor_(deps.reactor),
      pages_(deps.pages),
      stats_(deps.stats),
      owner_(deps.owner),
      host_rule_(deps.host_rule),
      fd_(std::move(fd)),
      watch_(deps.reactor, event::Watch::OnReady::to<&AdminConnection::on_ready>(this)),
      deadline_(deps.reactor.timers(), event::Timer::OnDue::to<&AdminConnection::on_due>(this)) {}

bool AdminConnection::start() {
  deadline_.start(reactor_.now() + kRequestTime);
  return watch_.start(fd_.get(), event::Interest::read);
}

void AdminConnection::on_ready(event::Events) {
  switch (state_) {
    case State::reading:
      return read_request();
    case State::answering:
      return send_answer();
    case State::lingering:
      return discard();
    case State::ended:
      break;
  }
  KITE_CHECK(false, "an ended connection watches nothing");
}

void AdminConnection::on_due() {
  if (state_ != State::lingering) ++stats_.timed_out_total;
  end();
}

void AdminConnection::read_request() {
  std::array<char, kReadBytes> bytes;
  const ssize_t taken = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (taken == -1 && (errno == EAGAIN || errno == EINTR)) return;
  if (taken <= 0) return end();
  request_.append(bytes.data(), static_cast<size_t>(taken));
  const AdminRequest request = parse_request(request_, host_rule_);
  if (request.verdict != RequestVerdict::incomplete) answer(request);
}

void AdminConnection::answer(const AdminRequest& request) {
  const bool good = request.verdict == RequestVerdict::ok;
  ++(good ? stats_.answered_total : stats_.refused_total);
  answer_ = render_response(good ? pages_.answer(request.path) : refusal(request.verdict),
                            request.head_only);
  request_.clear();
  transition_to(State::answering);
  deadline_.start(reactor_.now() + kAnswerTime);
  watch_.change(event::Interest::write);
  send_answer();
}

void AdminConnection::send_answer() {
  const ssize_t sent =
      ::send(fd_.get(), answer_.data() + sent_bytes_, answer_.size() - sent_bytes_, MSG_NOSIGNAL);
  if (sent == -1 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent == -1) return end();
  sent_bytes_ += static_cast<size_t>(sent);
  if (sent_bytes_ < answer_.size()) return;
  answer_.clear();
  answer_ = std::string();  // its room too: a client may linger
  // Closing with unread bytes would make the kernel send a reset, which can overtake the answer.
  transition_to(State::lingering);
  sys::shutdown_write(fd_.get());
  deadline_.start(reactor_.now() + kLingerTime);
  watch_.change(event::Interest::read);
}

void AdminConnection::discard() {
  std::array<char, kReadBytes> bytes;
  const ssize_t taken = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (taken == -1 && (errno == EAGAIN || errno == EINTR)) return;
  if (taken <= 0) return end();
  discarded_bytes_ += static_cast<size_t>(taken);
  if (discarded_bytes_ > kLingerBytesMax) end();
}

void AdminConnection::transition_to(State next) {
  KITE_CHECK(may_become(state_, next), "one request, one answer, the end");
  state_ = next;
}

void AdminConnection::end() {
  transition_to(State::ended);
  deadline_.cancel();
  watch_.cancel_closing();
  fd_.reset();
  owner_.on_connection_ended(*this);
}

}  // namespace kite::admin
