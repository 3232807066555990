#pragma once

#include <string>
#include <utility>
#include <variant>

#include "sys/check.h"

namespace kite::sys {

/// What went wrong, in one sentence for a human: what, where, and what to change.
struct Error {
  std::string message;
};

/// A value or the reason why there is none. g++ 12 has no std::expected.
/// Errors:    asking for the absent half is a bug and aborts.
template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() {
    KITE_CHECK(ok(), "value() needs a successful result");
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    KITE_CHECK(ok(), "value() needs a successful result");
    return *std::get_if<0>(&state_);
  }
  const E& error() const {
    KITE_CHECK(!ok(), "error() needs a failed result");
    return *std::get_if<1>(&state_);
  }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }

 private:
  std::variant<T, E> state_;
};

/// The value of a Result that has nothing to say but "it worked".
struct Done {};

}  // namespace kite::sys
