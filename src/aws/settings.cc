#include "aws/settings.h"

#include <utility>

#include "aws/shared_files.h"
#include "sys/ascii.h"

namespace kite::aws {

namespace {

std::optional<Settings::Value> find(const ProfileKeys& keys, std::string_view key,
                                    const std::string& place) {
  const auto found = keys.find(key);
  if (found == keys.end() || found->second.empty()) return std::nullopt;
  return Settings::Value{found->second, std::string(key) + " of the " + place};
}

}  // namespace

sys::Result<Settings> Settings::read(const sys::Environment& environment) {
  const SharedFiles files = locate_shared_files(environment);
  const sys::Result<ProfileSet> set = read_shared_files(files);
  if (!set.ok()) return set.error();
  Settings settings(environment);
  settings.profile_name_ = files.profile;
  if (const ProfileKeys* keys = set->profile(files.profile)) settings.profile_ = *keys;
  const auto services = settings.profile_.find("services");
  if (services == settings.profile_.end()) return settings;
  const ProfileKeys* keys = set->services(services->second);
  if (keys == nullptr) {
    return sys::Error{"the profile " + files.profile + " names the section [services " +
                      services->second + "], which is not in " + files.config.path};
  }
  settings.services_ = *keys;
  return settings;
}

std::optional<Settings::Value> Settings::get(std::string_view variable,
                                             std::string_view key) const {
  if (auto text = environment_.get_non_empty(variable)) {
    return Value{*std::move(text), std::string(variable)};
  }
  return find(profile_, key, "profile " + profile_name_);
}

std::optional<Settings::Value> Settings::of_service(std::string_view service,
                                                    std::string_view key) const {
  return find(services_, std::string(service) + "." + std::string(key),
              "services of the profile " + profile_name_);
}

bool Settings::is_true(std::string_view variable, std::string_view key) const {
  const std::optional<Value> value = get(variable, key);
  return value && sys::ascii_lower(value->text) == "true";
}

}  // namespace kite::aws
