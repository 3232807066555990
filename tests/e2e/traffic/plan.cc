#include "tests/e2e/traffic/plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "tests/e2e/traffic/pattern.h"

namespace kite::traffic {
namespace {

constexpr uint64_t kMagic = 0x31746c702d74696bU;  // "kit-plt1", little end first
constexpr uint64_t kSlowStreamBytesMax = 4U << 20;
// Below one loopback segment (64 KiB) the sender waits for the kernel's 200 ms window probes, and
// the test would measure those.
constexpr uint32_t kSlowBufferBytes = 64U << 10;
constexpr uint64_t kCrumbStreamBytesMax = 64U << 10;

/// Fixed-width fields one after another; both ends run on one machine, so no byte order is agreed.
class Packer {
 public:
  explicit Packer(uint8_t* at) : at_(at) {}
  template <typename Number>
  void put(Number number) {
    std::memcpy(at_, &number, sizeof number);
    at_ += sizeof number;
  }
  void put(const EndPlan& end) {
    put(end.bytes);
    put(end.reset_at);
    put(end.chunk_bytes_max);
    put(end.read_bytes_max);
    put(end.read_pause_us);
    put(end.buffer_bytes | (end.answers_late ? 1U << 31 : 0U));
  }

 private:
  uint8_t* at_;
};

class Unpacker {
 public:
  explicit Unpacker(const uint8_t* at) : at_(at) {}
  template <typename Number>
  Number take() {
    Number number;
    std::memcpy(&number, at_, sizeof number);
    at_ += sizeof number;
    return number;
  }
  EndPlan take_end() {
    EndPlan end;
    end.bytes = take<uint64_t>();
    end.reset_at = take<uint64_t>();
    end.chunk_bytes_max = take<uint32_t>();
    end.read_bytes_max = take<uint32_t>();
    end.read_pause_us = take<uint32_t>();
    const auto packed = take<uint32_t>();
    end.answers_late = (packed & (1U << 31)) != 0;
    end.buffer_bytes = packed & ~(1U << 31);
    return end;
  }

 private:
  const uint8_t* at_;
};

}  // namespace

std::array<uint8_t, Plan::kEncodedBytes> Plan::encode() const {
  std::array<uint8_t, kEncodedBytes> out{};
  Packer packer(out.data());
  packer.put(kMagic);
  packer.put(id);
  packer.put(seed);
  packer.put(client);
  packer.put(server);
  return out;
}

std::optional<Plan> Plan::decode(std::span<const uint8_t, kEncodedBytes> encoded) {
  Unpacker unpacker(encoded.data());
  if (unpacker.take<uint64_t>() != kMagic) return std::nullopt;
  Plan plan;
  plan.id = unpacker.take<uint64_t>();
  plan.seed = unpacker.take<uint64_t>();
  plan.client = unpacker.take_end();
  plan.server = unpacker.take_end();
  return plan;
}

uint64_t PlanDealer::below(uint64_t count) {
  // The bias of % is below 2^-32 for the counts used here.
  state_ = derive_seed(state_, 0);
  return state_ % count;
}

uint64_t PlanDealer::log_uniform(uint64_t most) {
  const double unit = static_cast<double>(below(1U << 30)) / static_cast<double>(1U << 30);
  return static_cast<uint64_t>(std::exp(unit * std::log(static_cast<double>(most) + 1.0))) - 1;
}

EndPlan PlanDealer::next_end() {
  EndPlan end;
  end.bytes = log_uniform(options_.size_max);
  end.chunk_bytes_max = static_cast<uint32_t>(4096U << below(9));
  end.read_bytes_max = static_cast<uint32_t>(16384U << below(7));
  return end;
}

Plan PlanDealer::next() {
  Plan plan;
  plan.id = dealt_++;
  plan.client = next_end();
  plan.server = next_end();
  if (chance(options_.tiny_chunks_percent)) {
    for (EndPlan* end : {&plan.client, &plan.server}) {
      end->chunk_bytes_max = static_cast<uint32_t>(1 + below(200));
      end->bytes = std::min(end->bytes, kCrumbStreamBytesMax);
    }
  }
  if (chance(options_.slow_percent)) {
    EndPlan& reader = chance(50) ? plan.client : plan.server;
    EndPlan& writer = &reader == &plan.client ? plan.server : plan.client;
    reader.read_pause_us = static_cast<uint32_t>(1000 + below(10000));
    reader.read_bytes_max = static_cast<uint32_t>(1024 + below(65536));
    reader.buffer_bytes = kSlowBufferBytes;
    writer.bytes = std::min(writer.bytes, kSlowStreamBytesMax);
  }
  if (chance(options_.late_percent)) {
    (chance(50) ? plan.client : plan.server).answers_late = true;
  }
  if (chance(options_.resets_percent)) {
    EndPlan& cutter = chance(50) ? plan.client : plan.server;
    cutter.bytes = std::max<uint64_t>(cutter.bytes, 1);
    cutter.reset_at = below(cutter.bytes);
  }
  plan.seed = derive_seed(options_.seed, plan.id);
  return plan;
}

}  // namespace kite::traffic
