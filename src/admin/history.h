#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "admin/view.h"
#include "sys/clock.h"

namespace kite::admin {

/// The last minutes of one counter: how much it grew in each step. Steps before the first look are
/// zero.
class Growth {
 public:
  static constexpr size_t kSteps = 30;

  /// The counter's value at the end of a step; the first value only says where it stands.
  void add(uint64_t total);
  /// The oldest step first.
  std::array<uint32_t, kSteps> steps() const;
  uint32_t last() const { return steps_[(next_ + kSteps - 1) % kSteps]; }

 private:
  std::array<uint32_t, kSteps> steps_{};
  uint64_t total_ = 0;
  uint8_t next_ = 0;
  bool seen_ = false;
};

/// What the status page draws: looked at every kStep, whoever watches or not, in a few kilobytes.
/// Owns:      rings of targets, and of the first kBackendsMax backends for as long as they exist.
/// Thread:    reactor thread only.
class History {
 public:
  static constexpr std::chrono::seconds kStep{10};
  static constexpr size_t kBackendsMax = 200;

  struct TargetGrowth {
    Growth clients;
    Growth bytes;
  };

  void add(const View& view);
  /// Null for what was never looked at.
  const TargetGrowth* find(const TargetView& target) const;
  const Growth* find(const proxy::BackendView& backend) const;

 private:
  /// What stays the same of a backend from view to view.
  struct BackendKey {
    uint16_t target;
    uint16_t container_port;
    sys::Endpoint endpoint;
    auto operator<=>(const BackendKey&) const = default;
  };
  struct BackendGrowth {
    Growth connections;
    uint64_t seen_in = 0;  ///< the round
  };
  static BackendKey key(const proxy::BackendView& backend);

  uint64_t round_ = 0;
  std::map<std::string, TargetGrowth, std::less<>> targets_;
  std::map<BackendKey, BackendGrowth> backends_;
};

}  // namespace kite::admin
