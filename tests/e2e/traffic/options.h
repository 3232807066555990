#pragma once

#include <string>
#include <vector>

#include "sys/endpoint.h"
#include "sys/result.h"
#include "tests/e2e/traffic/client.h"

namespace kite::traffic {

struct Options {
  enum class Mode : uint8_t { serve, drive };
  Mode mode = Mode::serve;
  std::vector<sys::Endpoint> endpoints;  ///< to listen on, or to drive
  std::string records;                   ///< file for one line a connection; empty: none
  double time_limit_seconds = 120;       ///< of drive
  Client::Options client;
};

sys::Result<Options> parse_options(const std::vector<std::string>& arguments);
extern const char kUsage[];

}  // namespace kite::traffic
