#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "event/reactor.h"
#include "event/timer_queue.h"
#include "sys/endpoint.h"
#include "sys/owned_fd.h"

namespace kite::cli {

/// Tries to connect to each endpoint, a bounded number at once, and closes again at once.
/// Owns:      the sockets of the attempts under way.
/// Lifetime:  the reactor outlives it.
/// Thread:    reactor thread only; turn the loop until done().
class ReachProbe {
 public:
  static constexpr size_t kAtOnceMax = 64;

  ReachProbe(event::Reactor& reactor, std::vector<sys::Endpoint> endpoints,
             std::chrono::milliseconds attempt_timeout);
  ~ReachProbe();

  bool done() const { return finished_ == endpoints_.size(); }
  /// One of them, at least, was reached.
  bool reached_any() const { return reached_any_; }
  /// An errno for each endpoint, in their order; 0: it was reached, EINPROGRESS: not known yet.
  const std::vector<int>& errors() const { return errors_; }

 private:
  class Attempt;

  void start_some();
  void on_attempt_done(Attempt& attempt, int error);

  event::Reactor& reactor_;
  const std::vector<sys::Endpoint> endpoints_;
  const std::chrono::milliseconds attempt_timeout_;
  std::vector<int> errors_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  size_t next_ = 0;
  size_t finished_ = 0;
  bool reached_any_ = false;
};

}  // namespace kite::cli
