#include "aws/shared_files.h"

#include <sys/stat.h>

#include <cerrno>

#include "sys/small_file.h"

namespace kite::aws {

namespace {

constexpr const char* kConfigVariable = "AWS_CONFIG_FILE";
constexpr const char* kCredentialsVariable = "AWS_SHARED_CREDENTIALS_FILE";

SharedFiles::File locate(const sys::Environment& environment, const std::string& variable,
                         const std::string& usual) {
  const std::string home = environment.get_non_empty("HOME").value_or("");
  if (auto path = environment.get_non_empty(variable)) {
    if (path->starts_with("~/")) path->replace(0, 1, home);
    return {*path, variable};
  }
  return {home.empty() ? "" : home + usual, ""};
}

/// There or not: a folder on the way may not be entered.
bool is_hidden(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == -1 && errno == EACCES;
}

/// Whether the file counts as absent. What nobody named does in a home that may not even be
/// entered: that home is another user's, as an image's root leaves it in HOME. DESIGN 58
bool is_absent(const SharedFiles::File& file, int os_error) {
  if (os_error == ENOENT || os_error == ENOTDIR) return true;
  return os_error == EACCES && file.variable.empty() &&
         is_hidden(file.path.substr(0, file.path.rfind('/')));
}

sys::Error unreadable(const SharedFiles::File& file, const char* variable,
                      const sys::FileError& error) {
  std::string message = error.message;
  if (!file.variable.empty()) message += " (" + file.variable + ")";
  if (error.os_error != EACCES) return {message};
  return {message +
          "; make it readable for the user that the kite runs as (root counts as any other, "
          "without its capabilities), or name another file in " +
          variable};
}

sys::Result<sys::Done> add_file(ProfileSet& set, ProfileFileKind kind, const SharedFiles& files) {
  const bool is_config = kind == ProfileFileKind::config;
  const SharedFiles::File& file = is_config ? files.config : files.credentials;
  if (file.path.empty()) return sys::Done{};
  const auto text = sys::read_small_file(file.path, ProfileSet::kFileBytesMax);
  if (text.ok()) return set.add(kind, *text, file.path);
  if (is_absent(file, text.error().os_error)) return sys::Done{};
  return unreadable(file, is_config ? kConfigVariable : kCredentialsVariable, text.error());
}

std::string places(const SharedFiles& files) {
  std::string text;
  for (const SharedFiles::File* file : {&files.config, &files.credentials}) {
    if (file->path.empty()) continue;
    text += text.empty() ? "" : " nor in ";
    text += file->path;
    if (is_hidden(file->path)) text += " (permission denied)";
  }
  return text.empty() ? "any file (HOME is not set)" : text;
}

}  // namespace

SharedFiles locate_shared_files(const sys::Environment& environment) {
  SharedFiles files;
  files.config = locate(environment, kConfigVariable, "/.aws/config");
  files.credentials = locate(environment, kCredentialsVariable, "/.aws/credentials");
  for (const char* variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    const auto name = environment.get_non_empty(variable);
    if (!name) continue;
    files.profile = *name;
    files.profile_variable = variable;
    break;
  }
  return files;
}

sys::Result<ProfileSet> read_shared_files(const SharedFiles& files) {
  ProfileSet set;
  if (auto added = add_file(set, ProfileFileKind::config, files); !added.ok()) {
    return added.error();
  }
  if (auto added = add_file(set, ProfileFileKind::credentials, files); !added.ok()) {
    return added.error();
  }
  if (!files.profile_variable.empty() && set.profile(files.profile) == nullptr) {
    return sys::Error{files.profile_variable + " names the profile \"" + files.profile +
                      "\", which is neither in " + places(files)};
  }
  return set;
}

}  // namespace kite::aws
