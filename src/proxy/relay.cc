#include "proxy/relay.h"

#include <fcntl.h>
#include <sys/socket.h>

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

void Relay::note_source_urgent(int source_fd) {
  source_readable_ = true;
  copies_always_ = true;
  const int on = 1;
  static_cast<void>(::setsockopt(source_fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
}

Relay::Step Relay::advance_rounds(const RelayEnds& ends, RelayResources& resources) {
  if (!pipe_.empty()) {
    if (const Stop stop = drain_pipe(ends.sink_fd)) return *stop;
  }
  for (int round = 0; source_readable_ && sink_writable_; ++round) {
    if (round == kRoundsPerTurn) return Step::budget_spent;
    if (!pipe_.open() && !copies_always_) pipe_ = resources.pipes.borrow();
    // Without a pipe to be had: copying needs none, and the bytes must get on.
    const bool splices = pipe_.open() && !copies_always_;
    const Stop stop = splices ? splice_once(ends) : copy_once(ends, resources.copy_buffer);
    if (stop) return *stop;
  }
  return Step::waiting;
}

/// One full pipe from the source to the sink.
Relay::Stop Relay::splice_once(const RelayEnds& ends) {
  switch (fill(ends.source_fd)) {
    case Move::moved:
      return drain_pipe(ends.sink_fd);
    case Move::would_block:
      source_readable_ = false;
      return Step::waiting;
    case Move::end_of_stream:
      if (!at_urgent_mark(ends.source_fd)) return Step::end_of_stream;
      note_source_urgent(ends.source_fd);
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

/// Copies without storing: peek, send, then discard from the source exactly what was sent, so that
/// a short send leaves the rest in the source's own queue. MSG_TRUNC discards (tcp(7)).
Relay::Stop Relay::copy_once(const RelayEnds& ends, std::span<std::byte> buffer) {
  const ssize_t peeked_bytes =
      ::recv(ends.source_fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (peeked_bytes == 0) return Step::end_of_stream;
  if (peeked_bytes == -1) {
    if (errno == EINTR) return std::nullopt;
    if (errno != EAGAIN) return Step::source_failed;
    source_readable_ = false;
    return Step::waiting;
  }
  const ssize_t sent_bytes = ::send(ends.sink_fd, buffer.data(), static_cast<size_t>(peeked_bytes),
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent_bytes == -1) {
    if (errno == EINTR) return std::nullopt;
    if (errno != EAGAIN) return Step::sink_failed;
    sink_writable_ = false;
    return Step::waiting;
  }
  bytes_ += static_cast<uint64_t>(sent_bytes);
  const ssize_t discarded_bytes = ::recv(ends.source_fd, buffer.data(),
                                         static_cast<size_t>(sent_bytes), MSG_TRUNC | MSG_DONTWAIT);
  KITE_CHECK(discarded_bytes == sent_bytes, "what was peeked can be discarded");
  return std::nullopt;
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
