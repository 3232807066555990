#pragma once

#include <string>
#include <vector>

#include "sys/endpoint.h"
#include "sys/result.h"
#include "tests/bench/load/bulk_client.h"
#include "tests/bench/load/exchange_client.h"

namespace kite::load {

struct Options {
  enum class Mode : uint8_t { serve, bulk, exchange, connect };
  Mode mode = Mode::serve;
  std::vector<sys::Endpoint> endpoints;  ///< to listen on, or to drive
  BulkClient::Direction direction = BulkClient::Direction::down;
  size_t connections = 4;
  size_t idle = 0;  ///< further connections, opened before and held through the run
  uint32_t bytes = 100;
  double per_second = 0;
  Measurement::Options measurement;
};

sys::Result<Options> parse_options(const std::vector<std::string>& arguments);
extern const char kUsage[];

}  // namespace kite::load
