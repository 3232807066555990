#include "http/library_versions.h"

#include <ares.h>
#include <curl/curl.h>

namespace kite::http {

std::vector<std::pair<std::string, std::string>> library_versions() {
  return {{"libcurl", curl_version_info(CURLVERSION_NOW)->version},
          {"c-ares", ares_version(nullptr)}};
}

}  // namespace kite::http
