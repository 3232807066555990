#include "http/http_client.h"

#include <strings.h>

namespace kite::http {

std::string_view Response::header(std::string_view name) const {
  for (const Header& candidate : headers) {
    if (candidate.name.size() == name.size() &&
        ::strncasecmp(candidate.name.data(), name.data(), name.size()) == 0) {
      return candidate.value;
    }
  }
  return {};
}

std::string_view failure_name(Failure failure) {
  switch (failure) {
    case Failure::bad_url:
      return "bad_url";
    case Failure::resolve:
      return "resolve";
    case Failure::connect:
      return "connect";
    case Failure::tls:
      return "tls";
    case Failure::timeout:
      return "timeout";
    case Failure::broken:
      return "broken";
    case Failure::too_large:
      return "too_large";
  }
  return "unknown";
}

}  // namespace kite::http
