#pragma once

#include <cstddef>
#include <string>

#include "sys/result.h"

namespace kite::sys {

struct FileError {
  int os_error = 0;     ///< errno; 0 when the file is longer than it may be
  std::string message;  ///< "cannot read /path: No such file or directory"
};

/// The whole of a small file. A pipe or a device in its place cannot make the caller wait, and one
/// without end is cut off at the bound. A read from a disk may wait for that disk: DESIGN 29.
Result<std::string, FileError> read_small_file(const std::string& path, size_t bytes_max);

}  // namespace kite::sys
