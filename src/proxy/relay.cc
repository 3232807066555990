#include "proxy/relay.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sys/check.h"

namespace kite::proxy {

namespace {

// More than any pipe holds, so that one call fills or empties it.
constexpr size_t kSpliceBytesMax = 1U << 30;

}  // namespace

Relay::Step Relay::advance(const RelayEnds& ends, RelayResources& resources) {
  const Step step = advance_rounds(ends, resources);
  if (pipe_.open() && pipe_.empty()) {
    resources.pipes.give_back(std::exchange(pipe_, sys::Pipe()));
  }
  return step;
}

void Relay::abandon(sys::PipePool& pipes) {
  if (pipe_.open()) pipes.give_back(std::exchange(pipe_, sys::Pipe()));
}

void Relay::note_source_urgent() {
  source_readable_ = true;
  way_ = Way::copy_always;
}

Relay::Step Relay::advance_rounds(const RelayEnds& ends, RelayResources& resources) {
  if (!pipe_.empty()) {
    if (const Stop stop = drain_pipe(ends.sink_fd)) return *stop;
  }
  const uint64_t bytes_before = bytes_;
  for (int round = 0; source_readable_ && sink_writable_; ++round) {
    const bool spent = round == kRoundsPerTurn || bytes_ - bytes_before >= kBytesPerTurn;
    if (spent) return Step::budget_spent;
    if (way_ == Way::splice && !pipe_.open()) pipe_ = resources.pipes.borrow();
    // Without a pipe to be had: copying needs none, and the bytes must get on.
    const bool splices = way_ == Way::splice && pipe_.open();
    const Stop stop = splices ? splice_once(ends) : copy_once(ends, resources);
    if (stop) return *stop;
  }
  return Step::waiting;
}

/// One full pipe from the source to the sink.
Relay::Stop Relay::splice_once(const RelayEnds& ends) {
  switch (fill(ends.source_fd)) {
    case Move::moved:
      note_spliced(pipe_.bytes());
      return drain_pipe(ends.sink_fd);
    case Move::would_block:
      source_readable_ = false;
      return Step::waiting;
    case Move::end_of_stream:
      if (!at_urgent_mark(ends.source_fd)) return Step::end_of_stream;
      note_source_urgent();
      return std::nullopt;
    case Move::failed:
      return Step::source_failed;
  }
  return Step::source_failed;
}

/// A splice of nothing means FIN, or an urgent mark with FIN somewhere behind it.
bool Relay::at_urgent_mark(int source_fd) {
  std::byte next;
  return ::recv(source_fd, &next, sizeof next, MSG_PEEK | MSG_DONTWAIT) > 0;
}

Relay::Stop Relay::drain_pipe(int sink_fd) {
  while (!pipe_.empty()) {  // ends: every round drains or returns
    if (!sink_writable_) return Step::waiting;
    switch (drain(sink_fd)) {
      case Move::moved:
        break;
      case Move::would_block:
        sink_writable_ = false;
        return Step::waiting;
      case Move::end_of_stream:
      case Move::failed:
        return Step::sink_failed;
    }
  }
  return std::nullopt;
}

Relay::Stop Relay::copy_once(const RelayEnds& ends, RelayResources& resources) {
  const bool has_spare = pipe_.open() ? pipe_.capacity_bytes() >= resources.copy_buffer.size()
                                      : resources.pipes.has_spare();
  return has_spare ? copy_through_spare(ends, resources)
                   : copy_in_place(ends, resources.copy_buffer);
}

/// Receives, then sends. What the sink does not take goes into a pipe, of which one is at hand.
Relay::Stop Relay::copy_through_spare(const RelayEnds& ends, RelayResources& resources) {
  const std::span<std::byte> buffer = resources.copy_buffer;
  const ssize_t received = ::recv(ends.source_fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (received <= 0) return no_bytes_from_source(received);
  const auto received_bytes = static_cast<size_t>(received);
  note_received(received_bytes, buffer.size());
  const ssize_t sent =
      ::send(ends.sink_fd, buffer.data(), received_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
  const auto sent_bytes = static_cast<size_t>(sent == -1 ? 0 : sent);
  bytes_ += sent_bytes;
  if (sent_bytes == received_bytes) return std::nullopt;
  if (sent == -1) {
    if (const Stop stop = send_failed(); stop == Step::sink_failed) return stop;
  }
  const std::span<std::byte> rest = buffer.subspan(sent_bytes, received_bytes - sent_bytes);
  if (!pipe_.open()) pipe_ = resources.pipes.borrow();
  const ssize_t kept = ::write(pipe_.write_end(), rest.data(), rest.size());
  KITE_CHECK(kept == static_cast<ssize_t>(rest.size()), "an empty pipe of full size takes it all");
  pipe_.note_filled(rest.size());
  return drain_pipe(ends.sink_fd);
}

/// Copies without storing: peek, send, then discard from the source exactly what was sent, so that
/// a short send leaves the rest in the source's own queue. MSG_TRUNC discards (tcp(7)).
Relay::Stop Relay::copy_in_place(const RelayEnds& ends, std::span<std::byte> buffer) {
  const ssize_t peeked =
      ::recv(ends.source_fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (peeked <= 0) return no_bytes_from_source(peeked);
  const ssize_t sent =
      ::send(ends.sink_fd, buffer.data(), static_cast<size_t>(peeked), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == -1) return send_failed();
  bytes_ += static_cast<uint64_t>(sent);
  const ssize_t discarded =
      ::recv(ends.source_fd, buffer.data(), static_cast<size_t>(sent), MSG_TRUNC | MSG_DONTWAIT);
  KITE_CHECK(discarded == sent, "what was peeked can be discarded");
  if (sent == peeked) note_received(static_cast<size_t>(peeked), buffer.size());
  return std::nullopt;
}

/// What a recv(2) of nothing means, errno as it left it.
Relay::Stop Relay::no_bytes_from_source(ssize_t result) {
  if (result == 0) return Step::end_of_stream;
  if (errno == EINTR) return std::nullopt;
  if (errno != EAGAIN) return Step::source_failed;
  source_readable_ = false;
  return Step::waiting;
}

/// What a failed send(2) means, errno as it left it.
Relay::Stop Relay::send_failed() {
  if (errno == EINTR) return std::nullopt;
  if (errno != EAGAIN) return Step::sink_failed;
  sink_writable_ = false;
  return Step::waiting;
}

/// A stream socket that gave less than was asked has no more (epoll(7), Q9), which saves the call
/// that would say so; the next byte is a new edge. Not so when FIN is known to be behind it, which
/// no further edge will tell, nor at an urgent mark, where recv(2) stops early.
void Relay::note_received(size_t received_bytes, size_t asked_bytes) {
  if (received_bytes == asked_bytes) return note_bulk();
  if (!source_ended_ && way_ != Way::copy_always) source_readable_ = false;
}

void Relay::note_bulk() {
  if (way_ == Way::copy) way_ = Way::splice;
}

void Relay::note_spliced(size_t spliced_bytes) {
  small_splices_ = spliced_bytes < kSmallSpliceBytes ? small_splices_ + 1 : 0;
  if (small_splices_ < kSmallSplicesMax) return;
  small_splices_ = 0;
  way_ = Way::copy;
}

/// Requires an empty pipe (drain before fill), so EAGAIN can only mean that the source is dry.
Relay::Move Relay::fill(int source_fd) {
  KITE_CHECK(pipe_.empty(), "a non-empty pipe makes EAGAIN ambiguous");
  for (;;) {  // ends: EINTR is the only retry
    const ssize_t moved_bytes = ::splice(source_fd, nullptr, pipe_.write_end(), nullptr,
                                         kSpliceBytesMax, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved_bytes > 0) {
      pipe_.note_filled(static_cast<size_t>(moved_bytes));
      return Move::moved;
    }
    if (moved_bytes == 0) return Move::end_of_stream;
    if (errno == EINTR) continue;
    return errno == EAGAIN ? Move::would_block : Move::failed;
  }
}

Relay::Move Relay::drain(int sink_fd) {
  for (;;) {  // ends: EINTR is the only retry
    const ssize_t moved_bytes = ::splice(pipe_.read_end(), nullptr, sink_fd, nullptr, pipe_.bytes(),
                                         SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved_bytes > 0) {
      pipe_.note_drained(static_cast<size_t>(moved_bytes));
      bytes_ += static_cast<uint64_t>(moved_bytes);
      return Move::moved;
    }
    if (moved_bytes == 0) return Move::failed;  // a pipe with bytes in it has no end of stream
    if (errno == EINTR) continue;
    return errno == EAGAIN ? Move::would_block : Move::failed;
  }
}

}  // namespace kite::proxy
