#include "sys/library_versions.h"

#include <gnu/libc-version.h>

namespace kite::sys {

std::vector<std::pair<std::string, std::string>> library_versions() {
#ifdef __clang__
  const std::string cxx_version = std::to_string(_GLIBCXX_RELEASE);
#else
  // libstdc++ and libgcc are parts of the compiler and have its version.
  const std::string cxx_version = __VERSION__;
#endif
  return {{"glibc", ::gnu_get_libc_version()}, {"libstdc++ and libgcc", cxx_version}};
}

}  // namespace kite::sys
