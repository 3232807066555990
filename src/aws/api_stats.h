#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aws/call_error.h"
#include "sys/clock.h"

namespace kite::aws {

/// How the calls to one service ended, by operation. A plain value, only ever growing.
class ApiStats {
 public:
  static constexpr size_t kErrorClasses =
      static_cast<size_t>(ErrorClass::cancelled_by_deadline) + 1;
  static constexpr size_t kOperationsMax = 8;  ///< more than the kite knows

  struct Operation {
    std::string name;  ///< "ecs:ListTasks"
    uint64_t ok_total = 0;
    std::array<uint64_t, kErrorClasses> errors_total{};  ///< by ErrorClass
    sys::Duration time{};                                ///< of all, retries and waits included

    uint64_t ended_total() const {
      uint64_t total = ok_total;
      for (const uint64_t errors : errors_total) total += errors;
      return total;
    }
  };

  /// `failure` is absent when the answer was understood.
  void count(std::string_view name, std::optional<ErrorClass> failure, sys::Duration time);
  /// In the order they first ended in.
  std::span<const Operation> operations() const { return {operations_.data(), used_}; }

 private:
  std::array<Operation, kOperationsMax> operations_;
  size_t used_ = 0;
};

}  // namespace kite::aws
