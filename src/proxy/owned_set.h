#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "sys/check.h"
#include "sys/fit.h"

namespace kite::proxy {

/// Objects owned in no order, each found in one step by the `owner_index` it carries.
/// Walk it from the back to the front when the visit may take elements out.
template <typename T>
class OwnedSet {
 public:
  T& add(std::unique_ptr<T> object) {
    object->owner_index = objects_.size();
    objects_.push_back(std::move(object));
    return *objects_.back();
  }

  [[nodiscard]] std::unique_ptr<T> take(T& object) {
    const size_t index = object.owner_index;
    KITE_CHECK(index < objects_.size() && objects_[index].get() == &object,
               "an owned object knows its place");
    std::unique_ptr<T> taken = std::move(objects_[index]);
    if (index + 1 < objects_.size()) {
      objects_[index] = std::move(objects_.back());
      objects_[index]->owner_index = index;
    }
    objects_.pop_back();
    return taken;
  }

  T& operator[](size_t index) { return *objects_[index]; }
  const T& operator[](size_t index) const { return *objects_[index]; }
  size_t size() const { return objects_.size(); }
  /// Gives back the room of objects that are gone.
  void shrink() { sys::fit(objects_); }

 private:
  std::vector<std::unique_ptr<T>> objects_;
};

}  // namespace kite::proxy
