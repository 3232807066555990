#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace kite::sys {

/// Base of small objects that come and go by the thousand: the memory of one that died serves the
/// next of its type, the last freed first, because its cache lines are warm.
/// Owns:      the memory of the dead, all of it until give_back_idle().
/// Thread:    one; the free list is the type's own and not locked.
/// Under AddressSanitizer every object is allocated anew, or it could not see a use after death.
template <typename T>
class Recycled {
 public:
  static void* operator new(size_t bytes) {
    if (kRecycles && bytes == sizeof(T) && idle_ != nullptr) {
      return std::exchange(idle_, idle_->next);
    }
    return ::operator new(bytes);
  }

  static void operator delete(void* memory, size_t bytes) {
    if (!kRecycles || bytes != sizeof(T)) return ::operator delete(memory, bytes);
    idle_ = new (memory) Idle{idle_};
  }

  /// Frees the memory of the dead.
  static void give_back_idle() {
    while (idle_ != nullptr) {  // ends: each round frees one
      ::operator delete(std::exchange(idle_, idle_->next), sizeof(T));
    }
  }

 private:
  struct Idle {
    Idle* next;
  };
#ifdef __SANITIZE_ADDRESS__
  static constexpr bool kRecycles = false;
#else
  static constexpr bool kRecycles = true;
#endif
  static inline Idle* idle_ = nullptr;
};

}  // namespace kite::sys
