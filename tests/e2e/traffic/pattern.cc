#include "tests/e2e/traffic/pattern.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kite::traffic {
namespace {

constexpr uint64_t kGamma = 0x9e3779b97f4a7c15U;
constexpr size_t kWordBytes = sizeof(uint64_t);

constexpr uint64_t finish(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t derive_seed(uint64_t seed, uint64_t salt) {
  return finish(seed + (salt + 1) * kGamma);
}

uint64_t Pattern::word(uint64_t index) const {
  return finish(seed_ + index * kGamma);
}

void Pattern::fill(uint64_t offset, std::span<uint8_t> out) const {
  uint64_t index = offset / kWordBytes;
  uint8_t* at = out.data();
  size_t left = out.size();
  if (const size_t skip = offset % kWordBytes; skip != 0 && left != 0) {
    const uint64_t first = word(index++);
    const size_t count = std::min(left, kWordBytes - skip);
    std::memcpy(at, reinterpret_cast<const uint8_t*>(&first) + skip, count);
    at += count;
    left -= count;
  }
  for (; left >= kWordBytes; at += kWordBytes, left -= kWordBytes) {
    const uint64_t next = word(index++);
    std::memcpy(at, &next, kWordBytes);
  }
  if (left != 0) {
    const uint64_t last = word(index);
    std::memcpy(at, &last, left);
  }
}

void StreamHash::mix(uint64_t word) {
  state_ = std::rotl((state_ ^ word) * 0xd6e8feb86659fd93U, 29) + kGamma;
}

void StreamHash::update(std::span<const uint8_t> bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  const size_t have = total_bytes_ % kWordBytes;
  total_bytes_ += left;
  if (have != 0) {
    const size_t count = std::min(left, kWordBytes - have);
    std::memcpy(reinterpret_cast<uint8_t*>(&partial_) + have, at, count);
    at += count;
    left -= count;
    if (have + count < kWordBytes) return;
    mix(partial_);
    partial_ = 0;
  }
  for (; left >= kWordBytes; at += kWordBytes, left -= kWordBytes) {
    uint64_t next;
    std::memcpy(&next, at, kWordBytes);
    mix(next);
  }
  if (left != 0) std::memcpy(&partial_, at, left);
}

uint64_t StreamHash::value() const {
  return finish(finish(state_ ^ partial_) + total_bytes_ * kGamma);
}

}  // namespace kite::traffic
