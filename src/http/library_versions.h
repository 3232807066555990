#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kite::http {

/// Name and version of each library that this folder alone uses, as loaded now.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace kite::http
