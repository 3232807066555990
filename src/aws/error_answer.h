#pragma once

#include <string>
#include <string_view>

#include "aws/call_error.h"
#include "http/http_client.h"

namespace kite::aws {

/// What a service says went wrong, read out of its answer. Pure.
/// Source:    AWS JSON 1.1 protocol, "Operation error serialization"; EC2 and query protocols.

/// ECS speaks JSON, EC2 and STS speak XML.
enum class WireFormat : uint8_t { json, xml };

struct ErrorAnswer {
  std::string code;        ///< bare; empty when the answer names none
  std::string message;     ///< the service's words, unbounded and not cleaned
  std::string request_id;  ///< empty when absent
};

/// Reads an answer whose status is not 2xx. A body that is not in the service's format (a proxy's
/// page) gives an empty code.
ErrorAnswer read_error_answer(WireFormat format, const http::Response& response);

/// "com.amazon.coral.service#ThrottlingException:http://..." -> "ThrottlingException"
std::string bare_error_code(std::string_view text);

/// The id of a request in a JSON service's headers; empty if absent.
std::string request_id_of(const http::Response& response);

/// Decides by code first: ECS answers nearly everything with 400. `operation` matters only where
/// one code means different things.
ErrorClass classify_error(std::string_view operation, std::string_view code, int http_status);

/// Codes that may come from clocks that disagree, if they do.
bool may_be_clock_skew(std::string_view code);

/// The sentence for people. `reason` is the service's message or the transport's.
std::string explain_error(const CallError& error, std::string_view reason);

}  // namespace kite::aws
