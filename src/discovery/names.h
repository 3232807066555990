#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kite::discovery {

/// ARNs or ids.
using Names = std::span<const std::string>;

/// Each once. Not inline: this is what the shipped program spends on the order of a large list, so
/// it is compiled for speed (third_party/static.mk).
void sort_names(std::vector<std::string>& names);

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

/// Both sorted.
inline bool overlap(Names one, Names other) {
  return std::any_of(one.begin(), one.end(),
                     [&](const std::string& name) { return holds(other, name); });
}

/// Adds names until the last chunk of `size` is full. `names` is sorted and stays so; an empty list
/// stays empty, for it makes no call.
inline void fill_chunk(std::vector<std::string>& names, Names more, size_t size) {
  const size_t full = (names.size() + size - 1) / size * size;
  const size_t before = names.size();
  for (const std::string& name : more) {
    if (names.size() == full) break;
    if (!holds(Names(names).first(before), name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
}

}  // namespace kite::discovery
