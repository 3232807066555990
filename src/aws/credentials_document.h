#pragma once

#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "sys/result.h"

namespace kite::aws {

/// The JSON in which the container endpoint and the instance metadata service hand out keys.
/// `origin` names the sender in the error. Pure; the error quotes no member that may be secret.
/// Source:    "Container credential provider" in the AWS SDKs and Tools guide; EC2 user guide,
///            "Retrieve security credentials from instance metadata".
sys::Result<Credentials> parse_credentials_document(std::string_view body, std::string_view origin);

/// Whether the parts can go into a request: they end up in header lines, so blanks and control
/// bytes (a pasted newline, most often) cannot be. The sentence names the part, or is empty.
std::string unusable_part(const Credentials& credentials);

/// Text of a peer, cut and cleaned, fit for a message.
std::string quoted_briefly(std::string_view text);

}  // namespace kite::aws
