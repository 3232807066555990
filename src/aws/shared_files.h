#pragma once

#include <string>

#include "aws/profile_file.h"
#include "sys/environment.h"
#include "sys/result.h"

namespace kite::aws {

/// Where the shared config and credentials files are, and which of their profiles counts.
/// Source:    "Location of the shared config and credentials files" in the AWS SDKs and Tools
///            guide. HOME alone says where home is: an image from scratch has no user database.
struct SharedFiles {
  struct File {
    std::string path;      ///< empty: there is no home to look in
    std::string variable;  ///< that named it; empty: the usual place
  };
  File config;
  File credentials;
  std::string profile = "default";
  std::string profile_variable;  ///< AWS_PROFILE, AWS_DEFAULT_PROFILE; empty: nobody chose one
};

/// Pure.
SharedFiles locate_shared_files(const sys::Environment& environment);

/// Reads both files; what does not exist is empty. DESIGN 29 says why that may be done on the loop.
/// Errors:    one sentence: a file that is there or was named and cannot be read, a line that means
///            nothing, a chosen profile that is in neither file.
sys::Result<ProfileSet> read_shared_files(const SharedFiles& files);

}  // namespace kite::aws
