#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "sys/fit.h"

namespace kite::proxy {

/// Objects with numbers that stay theirs. A freed number is given again, the lowest first, so that
/// the room of many that are gone can be given back.
template <typename T>
class Numbered {
 public:
  uint32_t add(T object) {
    if (free_.empty()) {
      objects_.push_back(std::move(object));
      return static_cast<uint32_t>(objects_.size() - 1);
    }
    std::pop_heap(free_.begin(), free_.end(), std::greater<>());
    const uint32_t number = free_.back();
    free_.pop_back();
    objects_[number] = std::move(object);
    return number;
  }

  void remove(uint32_t number) {
    objects_[number] = T{};
    free_.push_back(number);
    std::push_heap(free_.begin(), free_.end(), std::greater<>());
  }

  T& operator[](uint32_t number) { return objects_[number]; }
  const T& operator[](uint32_t number) const { return objects_[number]; }

  /// Gives back the room behind the last one that is in use.
  void shrink() {
    std::sort(free_.begin(), free_.end());  // a sorted sequence is a heap too
    while (!free_.empty() && free_.back() + 1 == objects_.size()) {  // ends: each round pops one
      free_.pop_back();
      objects_.pop_back();
    }
    sys::fit(objects_);
    sys::fit(free_);
  }

 private:
  std::vector<T> objects_;
  std::vector<uint32_t> free_;  // a heap, the lowest on top
};

}  // namespace kite::proxy
