#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "sys/result.h"

namespace kite::aws {

/// The two STS calls that turn one identity into another: their forms and their answer. Pure.
/// Source:    STS API 2011-06-15, AssumeRole and AssumeRoleWithWebIdentity.

inline constexpr const char* kAssumeRole = "AssumeRole";
inline constexpr const char* kAssumeRoleWithWebIdentity = "AssumeRoleWithWebIdentity";
inline constexpr const char* kStsContentType = "application/x-www-form-urlencoded; charset=utf-8";

/// The session name of roles whose order names none.
inline constexpr const char* kRoleSessionName = "ecs-task-kite";

/// A role to be assumed.
struct RoleOrder {
  std::string arn;
  std::string session_name;  ///< what CloudTrail shows
  std::string external_id;   ///< empty: none is asked for
  uint32_t duration_s = 0;   ///< 0: an hour, which is STS's default
  bool operator==(const RoleOrder&) const = default;
};

/// The first part that STS would refuse, in words; empty when there is none.
std::string unusable_part(const RoleOrder& role);

std::string assume_role_body(const RoleOrder& role);
std::string assume_role_with_web_identity_body(const RoleOrder& role, const Secret& token);

/// `action` is the call that was answered. Errors: no secret is quoted.
sys::Result<Credentials> parse_assumed_role(std::string_view action, std::string_view body);

}  // namespace kite::aws
