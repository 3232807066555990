#pragma once

#include <string>
#include <string_view>

#include "sys/endpoint.h"
#include "sys/result.h"

namespace kite::sys {

/// Where a stream socket listens: an IP address and port, or a path.
struct StreamAddress {
  Endpoint endpoint;
  std::string unix_path;  ///< not empty: there instead

  /// "127.0.0.1:9902", "[::1]:9902" or "unix:/run/kite.sock".
  static Result<StreamAddress> parse(std::string_view text);
  std::string text() const;
  bool operator==(const StreamAddress&) const = default;
};

}  // namespace kite::sys
