#pragma once

#include <dirent.h>

#include <cstddef>

namespace kite::testing {

/// Open descriptors of this process, the one used for counting left out. Source: proc(5).
inline size_t count_open_fds() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  size_t count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(directory);
  return count - 1;
}

}  // namespace kite::testing
