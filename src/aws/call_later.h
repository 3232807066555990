#pragma once

#include <functional>
#include <memory>

#include "aws/call_error.h"
#include "http/http_client.h"

namespace kite::aws {

/// Runs `action` once, from the loop, in a later turn: how code that never sees the loop keeps the
/// promise that a callback does not run inside the call that took it.
/// Lifetime:  destroying the Call cancels; `client` outlives it. Destroying it inside the action is
///            fine.
/// The client is asked for a request without a URL, which by its contract touches no network and
/// is reported as Failure::bad_url from the loop.
[[nodiscard]] std::unique_ptr<Call> call_later(http::Client& client, std::function<void()> action);

}  // namespace kite::aws
