#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sys/clock.h"
#include "sys/log.h"

namespace kite::proxy {

/// Who stops accepting while the budget is used up.
class BudgetUser {
 public:
  virtual ~BudgetUser() = default;
  virtual void on_budget_used_up() = 0;
  virtual void on_budget_available() = 0;
};

/// How many clients all targets of the process may have at once; above it they wait in the backlog.
/// Owns:      the counts.
/// Lifetime:  outlives its users, who leave before they die.
/// Thread:    reactor thread only.
class ConnectionBudget {
 public:
  /// `most` is at least 1.
  explicit ConnectionBudget(size_t most);

  /// Tells the user at once whether there is room.
  void join(BudgetUser& user);
  void leave(BudgetUser& user);

  /// A client of this user was accepted. Tells every user when it was the last that there is room
  /// for.
  void take(BudgetUser& user);
  /// A client is gone. Tells every user when there was no room before: first the one whose last
  /// client is the longest ago, because who is told first has the better chance.
  void give_back();
  /// A client that was accepted waits for a descriptor or memory: while one does, nobody is
  /// accepted, for those who come later would take what it waits for.
  void begin_lack(int saved_errno);
  void end_lack();
  bool lacks() const { return lacking_ > 0; }
  /// What the last that lacked something was told.
  int lack_errno() const { return lack_errno_; }
  bool used_up() const { return open_ >= most_ || lacks(); }
  /// All users stop at once, and a line of one says it for all.
  std::optional<uint64_t> admit_report(sys::SteadyTime now) { return reports_.admit(now); }
  size_t open() const { return open_; }
  size_t most() const { return most_; }

 private:
  size_t most_;
  size_t open_ = 0;
  size_t lacking_ = 0;
  int lack_errno_ = 0;
  std::vector<BudgetUser*> users_;
  sys::LogThrottle reports_{std::chrono::seconds(5)};
};

}  // namespace kite::proxy
