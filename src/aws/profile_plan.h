#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "aws/profile_file.h"
#include "aws/sts_wire.h"
#include "aws/web_identity.h"
#include "sys/result.h"

namespace kite::aws {

/// How a profile comes by its keys: a beginning, and roles to assume from there, one with what the
/// one before gave.
struct ProfilePlan {
  enum class Base : uint8_t { keys, environment, container, instance, web_identity };

  Base base = Base::keys;
  Credentials keys;               ///< of Base::keys
  WebIdentityOrder web_identity;  ///< of Base::web_identity
  std::vector<RoleOrder> roles;   ///< in the order in which they are assumed
  bool operator==(const ProfilePlan&) const = default;
};

inline constexpr size_t kRoleChainMax = 8;

/// Nothing when the profile (which may not exist) says nothing of credentials. Pure.
/// What is said and cannot be done here is an error: credential_process and the sign-in of a person
/// (sso, login) need programs and a browser that a scratch image does not have.
/// Errors:    one sentence with the profile and the key; no secret.
/// Source:    "Assume role credential provider" in the AWS SDKs and Tools guide; the order within a
///            profile is botocore's: a role before a web identity before keys, but a source's own
///            keys before its role.
sys::Result<std::optional<ProfilePlan>> plan_profile(const ProfileSet& set, std::string_view name);

}  // namespace kite::aws
