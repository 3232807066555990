#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "aws/error_answer.h"
#include "aws/signed_call.h"

namespace kite::aws {

/// An operation of a service that speaks AWS JSON 1.1. `service` is what IAM calls it, `api` stands
/// before the action in X-Amz-Target.
/// Source:    Smithy, "AWS JSON 1.1 protocol".
inline Operation json_operation(std::string_view service, std::string_view api,
                                std::string_view action, std::string body) {
  Operation operation;
  operation.name.append(service).append(":").append(action);
  operation.target.append(api).append(".").append(action);
  operation.content_type = "application/x-amz-json-1.1";
  operation.body = std::move(body);
  return operation;
}

/// Sends an operation and reads its answer with `parse`: what every typed call is.
template <typename T>
std::unique_ptr<Call> start_parsed(SignedCaller& caller, Operation operation,
                                   sys::Result<T> (*parse)(std::string_view),
                                   OnResult<T> on_result) {
  auto on_response = [&caller, begun = caller.now(), name = operation.name, parse,
                      on_result = std::move(on_result)](CallResult<http::Response> response) {
    if (!response.ok()) {
      caller.count_end(name, response.error().error_class, begun);
      return on_result(response.error());
    }
    sys::Result<T> parsed = parse(response->body);
    response->body = std::string();  // up to megabytes that on_result has no use for
    if (parsed.ok()) {
      caller.count_end(name, std::nullopt, begun);
      return on_result(*std::move(parsed));
    }
    caller.count_end(name, ErrorClass::malformed_answer, begun);
    CallError error;
    error.error_class = ErrorClass::malformed_answer;
    error.operation = name;
    error.http_status = response->status;
    error.request_id = request_id_of(*response);
    error.message = explain_error(error, parsed.error().message);
    on_result(std::move(error));
  };
  return caller.start(std::move(operation), std::move(on_response));
}

}  // namespace kite::aws
