#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/profile_file.h"
#include "sys/environment.h"
#include "sys/result.h"

namespace kite::aws {

/// What the environment says, and below it the chosen profile of the shared files: everything but
/// the credentials, which are read anew whenever they are fetched.
class Settings {
 public:
  struct Value {
    std::string text;
    std::string origin;  ///< for messages: "AWS_REGION", "region of the profile default"
  };

  /// Without any file. Implicit: an environment is settings enough.
  Settings(sys::Environment environment)  // NOLINT: implicit
      : environment_(std::move(environment)) {}

  /// Reads the shared files. Errors: as read_shared_files().
  static sys::Result<Settings> read(const sys::Environment& environment);

  const sys::Environment& environment() const { return environment_; }
  /// The variable, else the profile's key; set to nothing counts as unset. Either may be empty.
  std::optional<Value> get(std::string_view variable, std::string_view key) const;
  /// Of the section of services that the profile names: ("ecs", "endpoint_url").
  std::optional<Value> of_service(std::string_view service, std::string_view key) const;
  bool is_true(std::string_view variable, std::string_view key) const;

 private:
  sys::Environment environment_;
  std::string profile_name_;
  ProfileKeys profile_;
  ProfileKeys services_;
};

}  // namespace kite::aws
