#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sys/result.h"

namespace kite::aws {

/// What a failed call means for its caller, decided by error code first, HTTP status second.
enum class ErrorClass : uint8_t {
  transient,            ///< network, timeout, 5xx: worth another try
  throttled,            ///< the account's call budget is empty
  expired_credentials,  ///< refresh once, try again
  bad_credentials,      ///< unknown key or wrong signature
  clock_skew,           ///< signature refused because of the time
  denied,               ///< the role lacks an IAM action
  not_found,            ///< cluster, service or definition does not exist (now)
  invalid_request,      ///< the service calls our request wrong
  malformed_answer,     ///< not what the service documents: broken, foreign or over a bound
  no_credentials,       ///< no provider gave a key
  cancelled_by_deadline,
};
std::string_view error_class_name(ErrorClass error_class);

struct CallError {
  ErrorClass error_class = ErrorClass::transient;
  std::string operation;   ///< "ecs:ListTasks"
  std::string code;        ///< AWS's code, or the transport failure's name; may be empty
  std::string message;     ///< for people: what failed and what to do; never holds a secret
  std::string request_id;  ///< empty when there was no answer
  int http_status = 0;     ///< 0 when there was no answer
};

template <typename T>
using CallResult = sys::Result<T, CallError>;

/// A call under way (with its retries). Destroying it cancels; the callback is then not called.
class Call {
 public:
  virtual ~Call() = default;
};

/// Called exactly once, never from within the function that started the call.
template <typename T>
using OnResult = std::function<void(CallResult<T>)>;

}  // namespace kite::aws
