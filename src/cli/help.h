#pragma once

#include <span>
#include <string>
#include <utility>

#include "sys/result.h"

namespace kite::cli {

/// -help: usage and every flag by topic, at most 80 columns wide. Pure, ends in a newline.
std::string help_text();

/// A linked library and the version of it that is loaded now, such as {"libcurl", "7.88.1"}.
/// Passed in because only the folder that uses a library may include it.
using Library = std::pair<std::string, std::string>;

/// -version: version, build, libraries. Pure, ends in a newline.
std::string version_text(std::span<const Library> libraries);

/// What wrong use says on stderr: the sentence and where to read more. Ends in a newline.
std::string usage_error_text(const sys::Error& error);

}  // namespace kite::cli
