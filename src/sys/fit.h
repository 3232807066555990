#pragma once

#include <iterator>
#include <utility>
#include <vector>

namespace kite::sys {

/// Gives back the room that a vector has beyond its elements. Not shrink_to_fit(), which the
/// standard library compiles to nothing where exceptions are off.
template <typename T>
void fit(std::vector<T>& vector) {
  if (vector.capacity() == vector.size()) return;
  std::vector<T> fitted(std::make_move_iterator(vector.begin()),
                        std::make_move_iterator(vector.end()));
  vector.swap(fitted);
}

}  // namespace kite::sys
