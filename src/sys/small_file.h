#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sys/result.h"

namespace kite::sys {

struct FileError {
  int os_error = 0;     ///< errno; 0 when the file is longer than it may be
  std::string message;  ///< "cannot read /path: No such file or directory"
};

/// The whole of a small file. A pipe or a device in its place cannot make the caller wait, and one
/// without end is cut off at the bound. A read from a disk may wait for that disk: DESIGN 29.
Result<std::string, FileError> read_small_file(const std::string& path, size_t bytes_max);

/// Puts `bytes` in the place of the file, whole or not at all, readable for its owner only: through
/// a file of another name in the same folder, which is renamed. Readers see the old or the new one.
/// Not synced: that can take seconds, and what a crash of the machine leaves behind may be old,
/// empty or cut, so whoever reads the file must be able to tell. DESIGN 38
/// Errors:    a sentence; the old file is then still there.
/// Source:    rename(2), mkostemp(3).
Result<Done> replace_file(const std::string& path, std::string_view bytes);

}  // namespace kite::sys
