#pragma once

#include <functional>
#include <memory>

#include "aws/call_error.h"
#include "http/http_client.h"

namespace kite::aws {

/// http::Client::later() as a Call.
/// Lifetime:  destroying the Call cancels; `client` outlives it. Destroying it inside the action is
///            fine.
[[nodiscard]] std::unique_ptr<Call> call_later(http::Client& client, std::function<void()> action);

}  // namespace kite::aws
