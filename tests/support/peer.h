#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sys/endpoint.h"
#include "sys/owned_fd.h"
#include "sys/result.h"

namespace kite::testing {

/// The far end of a kernel TCP connection, driven by the test: non-blocking, remembers what it
/// received and how the stream ended.
class Peer {
 public:
  Peer() = default;
  explicit Peer(sys::OwnedFd fd) : fd_(std::move(fd)) {}

  /// Connects to `endpoint` (a listening socket on loopback, so the kernel completes it at once).
  /// With `segment_bytes` the other end has a network's segments, not loopback's, and so a send
  /// buffer of some 50 kB instead of megabytes: it fills.
  static Peer connect(const sys::Endpoint& endpoint, int receive_buffer_bytes = 0,
                      int segment_bytes = 0);

  /// Sends as much of `data` as the kernel takes now; returns how much.
  size_t write_some(std::string_view data);
  /// Sends all of `data`; it must fit into the socket buffers.
  void write(std::string_view data);
  void shutdown_write();
  /// Sends RST and closes.
  void reset();
  void close() { fd_.reset(); }

  /// Takes in up to `bytes_max`; remembers data and how the stream ended. Returns bytes taken.
  size_t read_some(size_t bytes_max = SIZE_MAX);
  /// The same with data handed to `take` as it comes, and not remembered.
  size_t read_some(size_t bytes_max, const std::function<void(std::string_view)>& take);

  const std::string& received() const { return received_; }
  bool saw_eof() const { return saw_eof_; }
  bool saw_reset() const { return saw_reset_; }
  bool open() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  sys::OwnedFd fd_;
  std::string received_;
  bool saw_eof_ = false;
  bool saw_reset_ = false;
};

/// A listening socket on 127.0.0.1 whose accepted connections become Peers.
class PeerListener {
 public:
  explicit PeerListener(std::string_view address = "127.0.0.1", uint16_t port = 0,
                        int send_buffer_bytes = 0, int segment_bytes = 0);
  sys::Endpoint endpoint() const;
  /// Invalid (not open) when nobody has connected.
  Peer accept();
  void close() { fd_.reset(); }

 private:
  sys::OwnedFd fd_;
};

/// A port of that address that nothing listens on.
uint16_t unused_port(std::string_view address = "127.0.0.1");

/// `count` bytes that differ from their neighbours and by `seed`.
std::string pattern(size_t count, uint64_t seed = 1);

}  // namespace kite::testing
