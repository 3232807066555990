#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/load/channel.h"
#include "tests/bench/load/dialer.h"
#include "tests/bench/load/measurement.h"
#include "tests/bench/load/pacer.h"
#include "tests/bench/load/poller.h"

namespace kite::load {

/// Requests and answers, one outstanding on each connection: as fast as answers come, or begun at a
/// fixed rate. Latency counts from the moment at which the request was to begin.
class ExchangeClient {
 public:
  struct Options {
    std::vector<sys::Endpoint> targets;
    size_t connections = 1;  ///< at once
    uint32_t request_bytes = 1;
    uint32_t answer_bytes = 1;
    bool fresh = false;     ///< every exchange on a new connection, which this end closes first
    double per_second = 0;  ///< 0: saturate
    Measurement::Options measurement;
  };

  explicit ExchangeClient(const Options& options);
  /// Runs as long as is measured and returns the report.
  std::string run();
  /// Waits for the answers of what was begun; one that does not come ends the program.
  void finish();

 private:
  struct Slot {
    std::optional<Channel> channel;
    uint32_t interest = 0;
    uint64_t expected = 0;  ///< bytes received at the end of the exchange
    Time begun;
  };

  void open_all();
  void begin(Slot& slot, Time begun);
  void begin_due(Time now);
  void on_ready(Slot& slot, uint32_t events);
  void send(Slot& slot);
  void complete(Slot& slot);
  void fail(Slot& slot, const char* step);
  void turn(Time deadline);
  Slot& take_idle();
  bool saturates() const { return options_.per_second <= 0; }

  Options options_;
  Order order_;
  Dialer dialer_;
  Poller poller_;
  Measurement measurement_;
  Pacer pacer_;
  std::vector<Slot> slots_;
  std::deque<Slot*> idle_;  ///< longest idle first
};

}  // namespace kite::load
