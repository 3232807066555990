#include "aws/api_stats.h"

#include <algorithm>

namespace kite::aws {

void ApiStats::count(std::string_view name, std::optional<ErrorClass> failure, sys::Duration time) {
  const auto end = operations_.begin() + static_cast<std::ptrdiff_t>(used_);
  const auto found = std::find_if(operations_.begin(), end,
                                  [&](const Operation& each) { return each.name == name; });
  if (found == operations_.end()) return;
  if (found == end) {
    found->name = name;
    ++used_;
  }
  ++(failure ? found->errors_total[static_cast<size_t>(*failure)] : found->ok_total);
  found->time += time;
}

}  // namespace kite::aws
