#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sys/result.h"

namespace kite::sys {

/// A small file's bytes; nothing when there is none of that name.
/// Errors:    a sentence; also when it is no regular file, or longer than `bytes_max`.
Result<std::optional<std::string>> read_whole_file(const std::string& path, size_t bytes_max);

/// Puts `bytes` in the place of the file, whole or not at all, readable for its owner only: through
/// a file of another name in the same folder, which is renamed. Readers see the old or the new one.
/// Not synced: that can take seconds, and what a crash of the machine leaves behind may be old,
/// empty or cut, so whoever reads the file must be able to tell. DESIGN 38
/// Errors:    a sentence; the old file is then still there.
/// Source:    rename(2), mkostemp(3).
Result<Done> replace_file(const std::string& path, std::string_view bytes);

}  // namespace kite::sys
