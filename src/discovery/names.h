#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kite::discovery {

/// ARNs or ids.
using Names = std::span<const std::string>;

/// Calls `ask` with slices of at most `size` names.
template <typename Ask>
void in_chunks(Names names, size_t size, Ask ask) {
  while (!names.empty()) {  // ends: each slice holds a name
    const size_t count = std::min(size, names.size());
    ask(names.first(count));
    names = names.subspan(count);
  }
}

inline std::vector<std::string> to_list(Names names) {
  return {names.begin(), names.end()};
}

inline bool holds(Names sorted_names, std::string_view name) {
  return std::binary_search(sorted_names.begin(), sorted_names.end(), name);
}

}  // namespace kite::discovery
