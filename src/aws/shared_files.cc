#include "aws/shared_files.h"

#include <cerrno>

#include "sys/small_file.h"

namespace kite::aws {

namespace {

SharedFiles::File locate(const sys::Environment& environment, const std::string& variable,
                         const std::string& usual) {
  const std::string home = environment.get_non_empty("HOME").value_or("");
  if (auto path = environment.get_non_empty(variable)) {
    if (path->starts_with("~/")) path->replace(0, 1, home);
    return {*path, variable};
  }
  return {home.empty() ? "" : home + usual, ""};
}

/// Whether the file counts as absent. One that nobody named may also be another user's.
bool is_absent(const SharedFiles::File& file, int os_error) {
  return os_error == ENOENT || os_error == ENOTDIR || (file.variable.empty() && os_error == EACCES);
}

sys::Result<sys::Done> add_file(ProfileSet& set, ProfileFileKind kind,
                                const SharedFiles::File& file) {
  if (file.path.empty()) return sys::Done{};
  const auto text = sys::read_small_file(file.path, ProfileSet::kFileBytesMax);
  if (text.ok()) return set.add(kind, *text, file.path);
  if (is_absent(file, text.error().os_error)) return sys::Done{};
  const std::string origin = file.variable.empty() ? "" : " (" + file.variable + ")";
  return sys::Error{text.error().message + origin};
}

std::string places(const SharedFiles& files) {
  std::string text;
  for (const SharedFiles::File* file : {&files.config, &files.credentials}) {
    if (file->path.empty()) continue;
    text += text.empty() ? "" : " nor in ";
    text += file->path;
  }
  return text.empty() ? "any file (HOME is not set)" : text;
}

}  // namespace

SharedFiles locate_shared_files(const sys::Environment& environment) {
  SharedFiles files;
  files.config = locate(environment, "AWS_CONFIG_FILE", "/.aws/config");
  files.credentials = locate(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
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
  if (auto added = add_file(set, ProfileFileKind::config, files.config); !added.ok()) {
    return added.error();
  }
  if (auto added = add_file(set, ProfileFileKind::credentials, files.credentials); !added.ok()) {
    return added.error();
  }
  if (!files.profile_variable.empty() && set.profile(files.profile) == nullptr) {
    return sys::Error{files.profile_variable + " names the profile \"" + files.profile +
                      "\", which is neither in " + places(files)};
  }
  return set;
}

}  // namespace kite::aws
