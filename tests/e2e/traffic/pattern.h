#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kite::traffic {

/// Byte `offset` of a stream, computed from the seed alone: the receiver checks every byte against
/// its position without having seen the sender, so loss, repetition, swapping and strangers' bytes
/// all show. No two words of a stream are equal by construction (splitmix64 is a bijection).
class Pattern {
 public:
  explicit Pattern(uint64_t seed) : seed_(seed) {}
  /// Writes bytes [offset, offset + out.size()) of the stream.
  void fill(uint64_t offset, std::span<uint8_t> out) const;

 private:
  uint64_t word(uint64_t index) const;
  uint64_t seed_;
};

/// A 64-bit hash of a stream that does not depend on how the stream was cut into pieces.
class StreamHash {
 public:
  void update(std::span<const uint8_t> bytes);
  /// The hash of everything so far; updating may go on afterwards.
  uint64_t value() const;
  uint64_t bytes() const { return total_bytes_; }

 private:
  void mix(uint64_t word);
  uint64_t state_ = 0x243f6a8885a308d3U;  // the first digits of pi: nothing up the sleeve
  uint64_t total_bytes_ = 0;
  uint64_t partial_ = 0;  ///< the low total_bytes_ % 8 bytes wait for the rest of their word
};

/// One step of splitmix64, for seeds derived from seeds.
uint64_t derive_seed(uint64_t seed, uint64_t salt);

}  // namespace kite::traffic
