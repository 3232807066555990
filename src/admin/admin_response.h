#pragma once

#include <string>
#include <string_view>

#include "admin/admin_request.h"

namespace kite::admin {

/// What a page says to a request.
struct AdminResponse {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string_view content_policy = "default-src 'none'; frame-ancestors 'none'";
  std::string body;
};

/// Who has the pages.
class AdminPages {
 public:
  virtual ~AdminPages() = default;
  /// Bounded in time and size. `path` starts with '/'.
  virtual AdminResponse answer(std::string_view path) = 0;
};

/// Head and body, or the head alone. The connection ends with it. Pure.
std::string render_response(const AdminResponse& response, bool head_only);

/// The answer to a request that reaches no page, with a sentence that says why. Pure.
AdminResponse refusal(RequestVerdict verdict);

}  // namespace kite::admin
