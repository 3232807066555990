#include "aws/profile_plan.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "aws/credentials_document.h"

namespace kite::aws {

namespace {

using Outcome = sys::Result<std::optional<ProfilePlan>>;

std::string text_of(const ProfileKeys& keys, std::string_view key) {
  const auto found = keys.find(key);
  return found == keys.end() ? std::string() : found->second;
}

bool has_keys(const ProfileKeys& keys) {
  return !text_of(keys, "aws_access_key_id").empty() ||
         !text_of(keys, "aws_secret_access_key").empty();
}

/// Sources of keys that this program does not have; empty when the profile names none of them.
std::string_view unsupported_key(const ProfileKeys& keys) {
  for (const std::string_view key :
       {"credential_process", "sso_session", "sso_start_url", "sso_account_id", "login_session"}) {
    if (!text_of(keys, key).empty()) return key;
  }
  return {};
}

/// Follows a profile to where its keys come from.
class Planner {
 public:
  Planner(const ProfileSet& set, std::string_view name) : set_(set), name_(name) {}

  Outcome plan() {
    while (visited_.size() < kRoleChainMax) {  // ends: each round visits a profile
      const ProfileKeys* keys = set_.profile(name_);
      if (keys == nullptr && visited_.empty()) return std::optional<ProfilePlan>();
      if (keys == nullptr) return wrong("it is a source_profile, but in neither file");
      const bool is_source = !visited_.empty();
      const bool is_role =
          !text_of(*keys, "role_arn").empty() && text_of(*keys, "web_identity_token_file").empty();
      if (!is_role || (is_source && has_keys(*keys))) return plan_base(*keys);
      std::optional<Outcome> settled = take_role(*keys);
      if (settled) return *std::move(settled);
    }
    return wrong("the chain of source_profile before it is too long");
  }

 private:
  sys::Error wrong(const std::string& problem) const {
    return {"the profile " + quoted_briefly(name_) + " cannot be used: " + problem};
  }

  sys::Result<RoleOrder> read_role(const ProfileKeys& keys) const {
    RoleOrder role;
    role.arn = text_of(keys, "role_arn");
    role.external_id = text_of(keys, "external_id");
    role.session_name = text_of(keys, "role_session_name");
    if (role.session_name.empty()) role.session_name = kRoleSessionName;
    if (const std::string text = text_of(keys, "duration_seconds"); !text.empty()) {
      const char* end = text.data() + text.size();
      const auto [stop, failure] = std::from_chars(text.data(), end, role.duration_s);
      const bool is_number = failure == std::errc() && stop == end;
      if (!is_number || role.duration_s < 900 || role.duration_s > 43200) {
        return wrong("duration_seconds is not a number from 900 to 43200");
      }
    }
    if (const std::string problem = unusable_part(role); !problem.empty()) return wrong(problem);
    return role;
  }

  /// The outcome, or nothing when the way leads on to the next profile.
  std::optional<Outcome> take_role(const ProfileKeys& keys) {
    if (!text_of(keys, "mfa_serial").empty()) {
      return wrong("mfa_serial wants a code that nobody is here to type");
    }
    auto role = read_role(keys);
    if (!role.ok()) return role.error();
    plan_.roles.insert(plan_.roles.begin(), *std::move(role));
    const std::string source_profile = text_of(keys, "source_profile");
    const std::string credential_source = text_of(keys, "credential_source");
    if (source_profile.empty() == credential_source.empty()) {
      return wrong("role_arn needs one of source_profile and credential_source beside it");
    }
    if (!credential_source.empty()) return plan_source(credential_source);
    if (source_profile == name_) {
      if (has_keys(keys)) return plan_base(keys);
      return wrong("it is its own source_profile and has no keys");
    }
    visited_.push_back(name_);
    name_ = source_profile;
    if (std::find(visited_.begin(), visited_.end(), name_) != visited_.end()) {
      return wrong("its source_profile leads back to it");
    }
    return std::nullopt;
  }

  Outcome plan_source(const std::string& credential_source) {
    if (credential_source == "Environment") {
      plan_.base = ProfilePlan::Base::environment;
    } else if (credential_source == "EcsContainer") {
      plan_.base = ProfilePlan::Base::container;
    } else if (credential_source == "Ec2InstanceMetadata") {
      plan_.base = ProfilePlan::Base::instance;
    } else {
      return wrong("credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata");
    }
    return std::optional(std::move(plan_));
  }

  Outcome plan_base(const ProfileKeys& keys) {
    if (const std::string file = text_of(keys, "web_identity_token_file"); !file.empty()) {
      return plan_web_identity_of(keys, file);
    }
    if (has_keys(keys)) return plan_keys(keys);
    if (const std::string_view key = unsupported_key(keys); !key.empty()) {
      return wrong(std::string(key) +
                   " is not supported: it needs a program or a browser; use a task role, or keys "
                   "or a role_arn in the profile");
    }
    if (visited_.empty()) return std::optional<ProfilePlan>();
    return wrong("it is a source_profile and has no credentials");
  }

  Outcome plan_web_identity_of(const ProfileKeys& keys, const std::string& file) {
    if (text_of(keys, "role_arn").empty()) {
      return wrong("web_identity_token_file needs role_arn, the role to assume, beside it");
    }
    auto role = read_role(keys);
    if (!role.ok()) return role.error();
    plan_.base = ProfilePlan::Base::web_identity;
    plan_.web_identity = {*std::move(role), file};
    return std::optional(std::move(plan_));
  }

  Outcome plan_keys(const ProfileKeys& keys) {
    Credentials& credentials = plan_.keys;
    std::string token = text_of(keys, "aws_session_token");
    if (token.empty()) token = text_of(keys, "aws_security_token");  // its name before 2014
    credentials.access_key_id = text_of(keys, "aws_access_key_id");
    credentials.secret_access_key = Secret(text_of(keys, "aws_secret_access_key"));
    credentials.session_token = Secret(std::move(token));
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
      return wrong("aws_access_key_id and aws_secret_access_key must both be set");
    }
    if (const std::string problem = unusable_part(credentials); !problem.empty()) {
      return wrong(problem);
    }
    return std::optional(std::move(plan_));
  }

  const ProfileSet& set_;
  std::string name_;
  std::vector<std::string> visited_;
  ProfilePlan plan_;
};

}  // namespace

Outcome plan_profile(const ProfileSet& set, std::string_view name) {
  return Planner(set, name).plan();
}

}  // namespace kite::aws
