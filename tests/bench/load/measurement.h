#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load/poller.h"

namespace kite::load {

/// Processor time that processes have used so far, all threads, in nanoseconds. The kernel brings
/// it up to date at every switch and tick (4 ms at 250 Hz), so it suits windows of a second.
/// Source:    proc(5), /proc/PID/task/TID/schedstat, first field.
uint64_t cpu_ns(const std::vector<pid_t>& pids);

/// Value below which `part` of the sorted `values` lie; 0 if there are none.
uint64_t percentile(const std::vector<uint64_t>& sorted, double part);

/// What happened between the end of the warm-up and the end of the run.
class Measurement {
 public:
  struct Options {
    double warm_up_seconds = 0.2;
    double seconds = 2;
    std::vector<pid_t> cpu_of;  ///< the proxy's processes
    bool attended = false;      ///< say "ready" before the beginning and wait for a line on stdin
  };

  explicit Measurement(const Options& options) : options_(options) {}
  /// The connections are there: the warm-up begins, at the moment that is returned.
  Time start();
  /// Once a turn, with the bytes moved since the beginning.
  void on_turn(Time now, uint64_t bytes);
  /// The next moment on which on_turn() has something to do.
  Time next_edge() const { return measuring_ ? until_ : from_; }
  /// From start() on until it is over.
  bool running() const { return from_ != Time::max() && !over_; }
  bool over() const { return over_; }

  /// One exchange that was to begin at `begun` is complete.
  void note_exchange(Time begun, Time now);
  void note_failure() { ++failures_; }
  void note_unfinished(uint64_t count) { unfinished_ += count; }
  uint64_t failures() const { return failures_; }

  /// One line of JSON.
  std::string report();

 private:
  struct Sample {
    Time at;
    uint64_t bytes = 0, proxy_ns = 0, own_ns = 0;
  };
  Sample sample(Time now, uint64_t bytes) const;

  Options options_;
  Time from_ = Time::max(), until_ = Time::max();
  bool measuring_ = false, over_ = false;
  Sample first_, last_;
  std::vector<uint64_t> latencies_ns_;
  uint64_t failures_ = 0, unfinished_ = 0;
};

}  // namespace kite::load
