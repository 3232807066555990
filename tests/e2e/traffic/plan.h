#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace kite::traffic {

/// What one end of a connection does. Both ends know both halves: the client draws them and sends
/// them ahead of its stream.
struct EndPlan {
  uint64_t bytes = 0;                ///< length of the stream this end sends
  uint64_t reset_at = UINT64_MAX;    ///< sends RST after that many bytes of it
  uint32_t chunk_bytes_max = 65536;  ///< most bytes in one send(2)
  uint32_t read_bytes_max = 65536;   ///< most bytes in one recv(2)
  uint32_t read_pause_us = 0;        ///< a slow reader rests that long after every read
  uint32_t buffer_bytes = 0;         ///< SO_SNDBUF and SO_RCVBUF; 0 leaves the kernel's choice
  /// Keeps its last bytes back until the other end's FIN has come: the late answer after a
  /// half-close. Never set on both ends.
  bool answers_late = false;

  bool resets() const { return reset_at != UINT64_MAX; }
};

struct Plan {
  static constexpr size_t kEncodedBytes = 96;

  uint64_t id = 0;
  uint64_t seed = 0;  ///< of both patterns and both chunk sequences
  EndPlan client;
  EndPlan server;

  bool resets() const { return client.resets() || server.resets(); }
  std::array<uint8_t, kEncodedBytes> encode() const;
  static std::optional<Plan> decode(std::span<const uint8_t, kEncodedBytes> encoded);
};

/// Deals plans from a seed: the same options give the same traffic.
class PlanDealer {
 public:
  struct Options {
    uint64_t seed = 1;
    uint64_t size_max = 64U << 20;     ///< bytes of one stream, drawn log-uniformly from 0 on
    uint32_t resets_percent = 5;       ///< connections that one end cuts with RST
    uint32_t late_percent = 20;        ///< connections with a late answer after a half-close
    uint32_t slow_percent = 10;        ///< connections with a slow reader at one end
    uint32_t tiny_chunks_percent = 5;  ///< connections that send crumbs
  };
  explicit PlanDealer(Options options) : options_(options), state_(options.seed) {}
  Plan next();

 private:
  uint64_t below(uint64_t count);
  bool chance(uint32_t percent) { return below(100) < percent; }
  uint64_t log_uniform(uint64_t most);
  EndPlan next_end();

  Options options_;
  uint64_t state_;
  uint64_t dealt_ = 0;
};

}  // namespace kite::traffic
