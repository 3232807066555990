#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

#include "http/http_client.h"

namespace kite::http {

/// What a failed transfer looked like when it ended.
struct FailedTransfer {
  CURLcode code = CURLE_OK;
  int os_error = 0;          ///< errno of the failed connect; 0 when there is none
  int proxy_status = 0;      ///< what a proxy said to CONNECT; 0 when nobody was asked
  std::string_view host;     ///< "ecs.eu-west-1.amazonaws.com:443"
  std::string_view detail;   ///< curl's error buffer, or why the CA bundle is unusable
  std::string_view ca_path;  ///< the CA bundle in force
  size_t body_bytes_max = 0;
  std::chrono::milliseconds connect_timeout{0};
  bool connected = false;   ///< TCP was; the TLS handshake perhaps not
  bool over_bound = false;  ///< our own callbacks refused a piece
};

/// Pure: curl's codes to ours, with a sentence that says what to change.
/// Source:    libcurl-errors(3).
RequestError describe_failure(const FailedTransfer& transfer);

}  // namespace kite::http
