#include "proxy/bulk_reads.h"

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;

namespace {

/// A tunnel through which `bytes` went from the backend to the client and nothing came back.
struct Stream {
  explicit Stream(uint64_t bytes) {
    kite.publish({listener.endpoint()});
    auto pair = kite.connect_through(listener);
    client = std::move(pair.client);
    backend = std::move(pair.backend);
    CHECK(kite.loop.run_until([&] {
      const auto left = static_cast<size_t>(bytes - sent);
      sent += backend.write_some(std::string_view(data).substr(0, left));
      client.read_some();
      return sent == bytes;
    }));
    settle();
  }

  /// Whatever can move without time going by has moved.
  void settle() {
    for (int quiet = 0; quiet < 20;) {  // ends: nothing more is sent
      kite.loop.settle(1);
      quiet = client.read_some() == 0 ? quiet + 1 : 0;
    }
  }
  /// A message without a long stream before or after it.
  void send_tail(size_t bytes) {
    backend.write(std::string_view(data).substr(0, bytes));
    sent += bytes;
    settle();
  }
  void step() {
    kite.loop.clock.advance(BulkReads::kStep);
    settle();
  }
  uint64_t received() const { return client.received().size(); }

  ProxyHarness kite;
  PeerListener listener;
  Peer client;
  Peer backend;
  const std::string data = testing::pattern(1 << 20);
  uint64_t sent = 0;
};

constexpr size_t kTail = 1000;
static_assert(kTail < BulkReads::kMarkBytes);

}  // namespace

TEST_CASE("bulk reads: a short stream is read as it comes") {
  Stream stream(BulkReads::kRunBytes / 2);
  CHECK(stream.kite.bulk_reads.size() == 0);
  stream.send_tail(kTail);
  CHECK(stream.received() == stream.sent);
}

TEST_CASE("bulk reads: the end of a long stream waits for two steps, then all is as before") {
  Stream stream(BulkReads::kRunBytes + (2 << 20));
  REQUIRE(stream.kite.bulk_reads.size() == 1);
  stream.send_tail(kTail);
  CHECK(stream.received() < stream.sent);
  stream.step();
  stream.step();
  CHECK(stream.received() == stream.sent);
  CHECK(stream.kite.bulk_reads.size() == 0);
  stream.send_tail(kTail);
  CHECK(stream.received() == stream.sent);
}

TEST_CASE("bulk reads: an answer ends it at once") {
  Stream stream(BulkReads::kRunBytes + (2 << 20));
  REQUIRE(stream.kite.bulk_reads.size() == 1);
  stream.client.write("stop");
  CHECK(stream.kite.loop.run_until([&] { return stream.backend.read_some() > 0; }));
  CHECK(stream.kite.bulk_reads.size() == 0);
  stream.send_tail(kTail);
  CHECK(stream.received() == stream.sent);
}

TEST_CASE("bulk reads: FIN, a reset and the owner's end find their way past the mark") {
  SUBCASE("FIN, with what came before it") {
    Stream stream(BulkReads::kRunBytes + (2 << 20));
    stream.backend.write(std::string_view(stream.data).substr(0, kTail));
    stream.backend.shutdown_write();
    CHECK(stream.kite.loop.run_until([&] {
      stream.client.read_some();
      return stream.client.saw_eof();
    }));
    CHECK(stream.received() == stream.sent + kTail);
    stream.client.shutdown_write();
    CHECK(stream.kite.loop.run_until(
        [&] { return stream.kite.proxy.stats().tunnels_finished_total == 1; }));
    CHECK(stream.kite.bulk_reads.size() == 0);
  }
  SUBCASE("a reset") {
    Stream stream(BulkReads::kRunBytes + (2 << 20));
    stream.backend.reset();
    CHECK(stream.kite.loop.run_until([&] {
      stream.client.read_some();
      return stream.client.saw_reset();
    }));
    CHECK(stream.kite.bulk_reads.size() == 0);
  }
}

TEST_CASE("bulk reads: a reader that stalls keeps the mark for a while, and gets every byte") {
  Stream stream(BulkReads::kRunBytes + (2 << 20));
  REQUIRE(stream.kite.bulk_reads.size() == 1);
  for (int quiet = 0; quiet < 50;) {  // ends: the kernel's buffers are finite
    const size_t taken = stream.backend.write_some(stream.data);
    stream.sent += taken;
    quiet = taken == 0 ? quiet + 1 : 0;
    stream.kite.loop.settle(1);
  }
  for (int i = 0; i < 5; ++i) {
    stream.kite.loop.clock.advance(BulkReads::kStep);
    stream.kite.loop.settle();
  }
  CHECK(stream.kite.bulk_reads.size() == 1);
  for (int i = 0; i < BulkReads::kBlockedStepsMax; ++i) {
    stream.kite.loop.clock.advance(BulkReads::kStep);
    stream.kite.loop.settle(1);
  }
  CHECK(stream.kite.bulk_reads.size() == 0);
  CHECK(stream.kite.loop.run_until([&] {
    stream.kite.loop.clock.advance(BulkReads::kStep);
    stream.client.read_some();
    return stream.received() == stream.sent;
  }));
}

}  // namespace kite::proxy
