#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sys/result.h"

namespace kite::aws {

/// One section of the shared files: keys in lower case to values. What is nested below a key, by
/// indented lines, has the key before it: "ecs.endpoint_url".
using ProfileKeys = std::map<std::string, std::string, std::less<>>;

/// The two files differ in how they name a section.
enum class ProfileFileKind : uint8_t {
  config,       ///< [default], [profile name], [services name]
  credentials,  ///< [name]
};

/// The profiles of the shared config and credentials files, as one value. Pure.
/// Errors:    a sentence with the file and the line; never what the line says, it may be a key.
/// Source:    "Shared config and credentials files" in the AWS SDKs and Tools guide; where it is
///            silent, Python's configparser as botocore uses it: indentation, case, ':' for '='.
class ProfileSet {
 public:
  static constexpr size_t kFileBytesMax = 256U << 10;
  static constexpr size_t kSectionsMax = 4096;

  /// Takes in one file; the one that wins comes last. Keys of a profile are merged one by one, but
  /// access key, secret and token belong together and replace each other as a whole.
  [[nodiscard]] sys::Result<sys::Done> add(ProfileFileKind kind, std::string_view text,
                                           std::string_view path);

  /// Null when there is none of that name.
  const ProfileKeys* profile(std::string_view name) const { return find(profiles_, name); }
  const ProfileKeys* services(std::string_view name) const { return find(services_, name); }

 private:
  class Reader;
  struct Section {
    std::string name;
    ProfileKeys keys;
  };

  static const ProfileKeys* find(const std::vector<Section>& sections, std::string_view name);
  static void merge(std::vector<Section>& sections, Section section);

  std::vector<Section> profiles_;
  std::vector<Section> services_;
};

}  // namespace kite::aws
