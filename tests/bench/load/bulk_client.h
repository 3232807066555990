#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/bench/load/channel.h"
#include "tests/bench/load/dialer.h"
#include "tests/bench/load/measurement.h"
#include "tests/bench/load/poller.h"

namespace kite::load {

/// Bytes as fast as they go. Down: from the server; up: to it, which checks them and says in the
/// end how many came; echo: up and back again, each byte counted once.
class BulkClient {
 public:
  enum class Direction : uint8_t { down, up, echo };
  struct Options {
    std::vector<sys::Endpoint> targets;
    size_t connections = 1;
    Direction direction = Direction::down;
    Measurement::Options measurement;
  };

  explicit BulkClient(const Options& options);
  /// Runs as long as is measured and returns the report.
  std::string run();
  /// Ends the streams; one whose sum is wrong ends the program.
  void finish();

 private:
  struct Connection {
    std::optional<Channel> channel;
  };

  void open_all();
  void turn(Time deadline);
  void on_ready(Connection& connection, uint32_t events);
  uint64_t moved() const;
  void read_to_end(Connection& connection);

  Options options_;
  Dialer dialer_;
  Poller poller_;
  Measurement measurement_;
  std::vector<Connection> connections_;
};

}  // namespace kite::load
