#pragma once

#include <cstddef>
#include <string_view>

#include "http/http_client.h"

namespace kite::http {

/// Puts a response together from the pieces curl hands over, within bounds.
/// Only the final header block counts: those of 1xx answers are dropped, so are trailers.
/// Errors:    a piece over a bound is refused, and too_large() says so from then on.
/// Source:    CURLOPT_HEADERFUNCTION(3): one complete line a call, end of line included.
class ResponseCollector {
 public:
  static constexpr size_t kHeaderBytesMax = 64U << 10;  ///< all blocks together

  explicit ResponseCollector(size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  [[nodiscard]] bool add_header_line(std::string_view line);
  [[nodiscard]] bool add_body(std::string_view piece);
  bool too_large() const { return too_large_; }
  Response take(int status);

 private:
  /// By Content-Length; 0 without one.
  size_t announced_bytes() const;

  size_t body_bytes_max_;
  size_t header_bytes_ = 0;
  bool in_header_block_ = false;
  bool too_large_ = false;
  Response response_;
};

}  // namespace kite::http
