#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "sys/owned_fd.h"

namespace kite::traffic {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

/// Something with a descriptor and at most one deadline. The loop owns it from add() to remove().
class Target {
 public:
  virtual ~Target() = default;
  virtual int fd() const = 0;
  virtual void on_ready(uint32_t events) = 0;
  virtual void on_deadline() {}
};

/// A small level-triggered epoll loop. It is not the product's reactor on purpose: a fault there
/// must not be able to hide in the tool that looks for it.
/// Owns:      its targets; a removed one dies at the end of the turn.
/// Errors:    a refused epoll call ends the program: a test tool has nothing better to do.
class Loop {
 public:
  Loop();
  void add(std::unique_ptr<Target> target, uint32_t events);
  void change(Target& target, uint32_t events);
  /// Replaces the target's earlier deadline; Time::max() cancels it.
  void set_deadline(Target& target, Time deadline);
  void remove(Target& target);

  Time now() const { return now_; }
  /// Turns until `finished` says so; it is asked once a turn.
  void run(const std::function<bool()>& finished);

 private:
  struct Entry {
    std::unique_ptr<Target> owned;
    Time deadline = Time::max();
  };
  void run_turn();
  int wait_ms() const;

  sys::OwnedFd epoll_fd_;
  Time now_;
  std::map<Target*, Entry> entries_;
  std::set<std::pair<Time, Target*>> deadlines_;
  std::vector<std::unique_ptr<Target>> removed_;
};

}  // namespace kite::traffic
