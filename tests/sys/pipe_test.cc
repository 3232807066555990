#include "sys/pipe.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/death.h"
#include "tests/support/descriptor_limit.h"
#include "tests/support/loop_harness.h"
#include "tests/support/peer.h"

namespace kite::sys {

namespace {

constexpr PipePool::Limits kDefaultPipes{.pipes_max = 4, .pipe_bytes = 65536};

/// A connected pair of TCP sockets on loopback.
struct TcpPair {
  testing::PeerListener listener;
  testing::Peer near = testing::Peer::connect(listener.endpoint());
  testing::Peer far = accepted();

  testing::Peer accepted() {
    for (;;) {  // ends: the kernel has completed the handshake or will at once
      testing::Peer peer = listener.accept();
      if (peer.open()) return peer;
    }
  }
};

/// Waits for the kernel, not for time: loopback needs a moment to hand a segment over.
bool wait_for(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return ::poll(&entry, 1, 10'000) == 1;
}

ssize_t splice_some(int from, int to, size_t bytes = 65536) {
  return ::splice(from, nullptr, to, nullptr, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

}  // namespace

TEST_CASE("pipe: counts what it is told and refuses to give more") {
  PipePool pool(kDefaultPipes);
  Pipe pipe = pool.borrow();
  REQUIRE(pipe.open());
  CHECK(pipe.empty());
  pipe.note_filled(10);
  pipe.note_drained(4);
  CHECK(pipe.bytes() == 6);
  CHECK_FALSE(pipe.empty());
  CHECK(testing::signal_that_ends([&] { pipe.note_drained(7); }) == SIGABRT);
  pipe.note_drained(6);
  CHECK(pipe.empty());
  pool.give_back(std::move(pipe));
}

TEST_CASE("pipe: moving takes ends and bytes along and leaves a closed, empty pipe") {
  const testing::FdCensus census;
  PipePool pool(kDefaultPipes);
  Pipe first = pool.borrow();
  first.note_filled(10);
  Pipe second(std::move(first));
  CHECK_FALSE(first.open());  // NOLINT: the moved-from state is what is tested
  CHECK(first.empty());
  CHECK(second.bytes() == 10);
  Pipe third;
  third = std::move(second);
  CHECK_FALSE(second.open());  // NOLINT
  CHECK(second.empty());
  CHECK(third.open());
  CHECK(third.bytes() == 10);
}

TEST_CASE("pipe pool: a pipe is non-blocking, closed on exec and as large as asked") {
  PipePool pool({.pipes_max = 1, .pipe_bytes = 1U << 18});
  const Pipe pipe = pool.borrow();
  for (const int end : {pipe.read_end(), pipe.write_end()}) {
    CHECK((::fcntl(end, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(end, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(::fcntl(pipe.write_end(), F_GETPIPE_SZ) == 1 << 18);
}

TEST_CASE("pipe pool: lends an idle pipe before it makes another") {
  const testing::FdCensus census;
  PipePool pool(kDefaultPipes);
  Pipe first = pool.borrow();
  Pipe second = pool.borrow();
  CHECK(pool.lent() == 2);
  CHECK(pool.created_total() == 2);
  const int fd = first.read_end();
  pool.give_back(std::move(first));
  CHECK(pool.idle() == 1);
  CHECK(pool.lent() == 1);
  first = pool.borrow();
  CHECK(first.read_end() == fd);
  CHECK(pool.created_total() == 2);
  pool.give_back(std::move(first));
  pool.give_back(std::move(second));
  CHECK(pool.idle() == 2);
}

TEST_CASE("pipe pool: a pipe with leftovers is closed, not lent to a stranger") {
  const testing::FdCensus census;
  PipePool pool(kDefaultPipes);
  Pipe pipe = pool.borrow();
  REQUIRE(::write(pipe.write_end(), "secret", 6) == 6);
  pipe.note_filled(6);
  pool.give_back(std::move(pipe));
  CHECK(pool.idle() == 0);
  CHECK(pool.lent() == 0);
  const Pipe next = pool.borrow();
  char byte = 0;
  CHECK(::read(next.read_end(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("pipe pool: past its bound it lends a closed pipe until one comes back") {
  const testing::FdCensus census;
  PipePool pool({.pipes_max = 2, .pipe_bytes = 65536});
  Pipe first = pool.borrow();
  const Pipe second = pool.borrow();
  CHECK(second.open());
  CHECK_FALSE(pool.borrow().open());
  CHECK(pool.lent() == 2);
  pool.give_back(std::move(first));
  CHECK(pool.borrow().open());
  CHECK_FALSE(pool.borrow().open());
}

TEST_CASE("pipe pool: a pipe that was granted less than asked serves once and is not kept") {
  const testing::FdCensus census;
  PipePool pool({.pipes_max = 2, .pipe_bytes = 1U << 31});  // more than any pipe may have
  Pipe pipe = pool.borrow();
  CHECK(pipe.open());
  CHECK(pipe.capacity_bytes() == 65536);
  pool.give_back(std::move(pipe));
  CHECK(pool.idle() == 0);
  CHECK(pool.lent() == 0);
}

TEST_CASE("pipe pool: without a free descriptor it lends a closed pipe and counts nothing") {
  PipePool pool(kDefaultPipes);
  Pipe pipe;
  int saved_errno = 0;
  {
    const testing::DescriptorLimit none(0);
    pipe = pool.borrow();
    saved_errno = errno;
  }
  CHECK_FALSE(pipe.open());
  CHECK(saved_errno == EMFILE);
  CHECK(pool.lent() == 0);
  CHECK(pool.created_total() == 0);
  CHECK(pool.borrow().open());
}

TEST_CASE("pipe pool: a spare is what the next to borrow gets") {
  const testing::FdCensus census;
  PipePool pool({.pipes_max = 1, .pipe_bytes = 65536});
  REQUIRE(pool.has_spare());
  CHECK(pool.idle() == 1);
  CHECK(pool.has_spare());
  CHECK(pool.created_total() == 1);
  Pipe pipe = pool.borrow();
  CHECK(pipe.open());
  CHECK(pool.created_total() == 1);
  CHECK_FALSE(pool.has_spare());  // the bound is reached
  pool.give_back(std::move(pipe));
  CHECK(pool.has_spare());
}

TEST_CASE("pipe pool: a pipe of less than the size asked is no spare") {
  const testing::FdCensus census;
  PipePool pool({.pipes_max = 2, .pipe_bytes = 1U << 31});  // more than any pipe may have
  for (int ask = 0; ask < 100; ++ask) CHECK_FALSE(pool.has_spare());
  CHECK(pool.idle() == 0);
  CHECK(pool.lent() == 0);
  CHECK(pool.created_total() == 1);  // a kernel that refuses is not asked every time
  for (int ask = 0; ask < 1000; ++ask) static_cast<void>(pool.has_spare());
  CHECK(pool.created_total() == 2);  // but again
  CHECK(pool.refused_total() == 2);
}

TEST_CASE("pipe pool: idle pipes can be closed, lent ones stay") {
  const testing::FdCensus census;
  PipePool pool({.pipes_max = 2, .pipe_bytes = 65536});
  Pipe kept = pool.borrow();
  pool.give_back(pool.borrow());
  CHECK(pool.idle() == 1);
  pool.close_idle();
  CHECK(pool.idle() == 0);
  CHECK(pool.lent() == 1);
  CHECK(::write(kept.write_end(), "x", 1) == 1);
  pool.give_back(std::move(kept));
}

TEST_CASE("pipe pool: the one that is kept stays when idle ones are closed") {
  const testing::FdCensus census;
  PipePool pool({.pipes_max = 2, .pipe_bytes = 65536});
  pool.keep_one();
  CHECK(pool.idle() == 1);
  Pipe first = pool.borrow();
  pool.give_back(pool.borrow());
  pool.give_back(std::move(first));
  CHECK(pool.idle() == 2);
  pool.close_idle();
  CHECK(pool.idle() == 1);
  CHECK(pool.created_total() == 2);
}

TEST_CASE("pipe pool: taking back what was never lent is a bug") {
  CHECK(testing::signal_that_ends([] { PipePool(kDefaultPipes).give_back(Pipe()); }) == SIGABRT);
}

TEST_CASE("kernel: one-byte segments fill a pipe by slots, long before its bytes") {
  TcpPair tcp;
  PipePool pool(kDefaultPipes);
  const Pipe pipe = pool.borrow();
  const int capacity = ::fcntl(pipe.write_end(), F_GETPIPE_SZ);
  const int slots = capacity / static_cast<int>(::sysconf(_SC_PAGESIZE));
  int moved = 0;
  // A byte at a time, so that every byte is a segment and a slot of its own.
  for (; moved < slots; ++moved) {
    tcp.near.write("x");
    REQUIRE(wait_for(tcp.far.fd(), POLLIN));
    REQUIRE(splice_some(tcp.far.fd(), pipe.write_end()) == 1);
  }
  CHECK(moved == 16);
  tcp.near.write("x");
  REQUIRE(wait_for(tcp.far.fd(), POLLIN));
  CHECK(splice_some(tcp.far.fd(), pipe.write_end()) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("kernel: a dry socket and a full pipe give the same EAGAIN") {
  TcpPair tcp;
  PipePool pool(kDefaultPipes);
  const Pipe pipe = pool.borrow();
  CHECK(splice_some(tcp.far.fd(), pipe.write_end()) == -1);
  CHECK(errno == EAGAIN);
  const std::string page(4096, 'x');
  while (::write(pipe.write_end(), page.data(), page.size()) > 0) {
  }
  tcp.near.write("y");
  REQUIRE(wait_for(tcp.far.fd(), POLLIN));
  CHECK(splice_some(tcp.far.fd(), pipe.write_end()) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("kernel: end of stream is a splice of nothing") {
  TcpPair tcp;
  PipePool pool(kDefaultPipes);
  const Pipe pipe = pool.borrow();
  tcp.near.write("last");
  tcp.near.shutdown_write();
  REQUIRE(wait_for(tcp.far.fd(), POLLRDHUP));
  CHECK(splice_some(tcp.far.fd(), pipe.write_end()) == 4);
  CHECK(splice_some(tcp.far.fd(), pipe.write_end()) == 0);
}

TEST_CASE("kernel: splice to a socket that cannot send raises SIGPIPE, or gives EPIPE if ignored") {
  TcpPair tcp;
  PipePool pool(kDefaultPipes);
  const Pipe pipe = pool.borrow();
  REQUIRE(::write(pipe.write_end(), "late", 4) == 4);
  tcp.near.shutdown_write();
  CHECK(testing::signal_that_ends(
            [&] { static_cast<void>(splice_some(pipe.read_end(), tcp.near.fd())); }) == SIGPIPE);
  CHECK(splice_some(pipe.read_end(), tcp.near.fd()) == -1);  // the runner ignores SIGPIPE
  CHECK(errno == EPIPE);
}

TEST_CASE("kernel: splice to a peer that has closed breaks once its RST is here") {
  TcpPair tcp;
  PipePool pool(kDefaultPipes);
  const Pipe pipe = pool.borrow();
  REQUIRE(::write(pipe.write_end(), "one", 3) == 3);
  tcp.far.close();
  REQUIRE(wait_for(tcp.near.fd(), POLLRDHUP));
  CHECK(splice_some(pipe.read_end(), tcp.near.fd()) == 3);  // half-closed peers may still read
  REQUIRE(wait_for(tcp.near.fd(), POLLERR));
  REQUIRE(::write(pipe.write_end(), "two", 3) == 3);
  CHECK(splice_some(pipe.read_end(), tcp.near.fd()) == -1);
  CHECK(errno == EPIPE);
}

}  // namespace kite::sys
