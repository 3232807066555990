#pragma once

#include <string_view>

namespace kite::aws {

/// What STS takes. Pure, and for whoever reads it from flags, profiles or variables.
/// Source:    STS API 2011-06-15, AssumeRole: the patterns and lengths of its parameters.

/// "arn:aws:iam::111122223333:role/name", of any partition; the name may have a path before it.
bool is_role_arn(std::string_view text);
bool is_role_session_name(std::string_view text);
bool is_external_id(std::string_view text);

}  // namespace kite::aws
