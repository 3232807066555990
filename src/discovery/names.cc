#include "discovery/names.h"

namespace kite::discovery {

void sort_names(std::vector<std::string>& names) {
  // With a comparison of its own std::sort is not the one that other files compile for size.
  std::sort(names.begin(), names.end(),
            [](const std::string& a, const std::string& b) { return a.compare(b) < 0; });
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace kite::discovery
