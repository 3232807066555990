#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kite::sys {

/// Name and version of the C and the C++ library: the C library as loaded now, the C++ one as
/// compiled against, because it does not tell at run time.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace kite::sys
