#pragma once

#include <dirent.h>

#include <cstddef>

namespace kite::testing {

/// Entries of a directory of /proc, "." and ".." left out; 0 when it cannot be read.
inline size_t count_proc_entries(const char* path) {
  DIR* directory = ::opendir(path);
  if (directory == nullptr) return 0;
  size_t count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(directory);
  return count;
}

/// Open descriptors of this process, the one used for counting left out. Source: proc(5).
inline size_t count_open_fds() {
  return count_proc_entries("/proc/self/fd") - 1;
}

/// Threads of this process. Source: proc(5).
inline size_t count_threads() {
  return count_proc_entries("/proc/self/task");
}

}  // namespace kite::testing
