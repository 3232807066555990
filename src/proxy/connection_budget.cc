#include "proxy/connection_budget.h"

#include <algorithm>

#include "sys/check.h"

namespace kite::proxy {

ConnectionBudget::ConnectionBudget(size_t most) : most_(most) {
  KITE_CHECK(most > 0, "a proxy that may not accept serves nobody");
}

void ConnectionBudget::join(BudgetUser& user) {
  users_.push_back(&user);
  used_up() ? user.on_budget_used_up() : user.on_budget_available();
}

void ConnectionBudget::leave(BudgetUser& user) {
  std::erase(users_, &user);
}

void ConnectionBudget::take(BudgetUser& user) {
  ++open_;
  if (open_ != most_) return;
  const auto found = std::find(users_.begin(), users_.end(), &user);
  KITE_CHECK(found != users_.end(), "only who has joined takes");
  std::rotate(found, found + 1, users_.end());
  for (BudgetUser* each : users_) each->on_budget_used_up();
}

void ConnectionBudget::give_back() {
  KITE_CHECK(open_ > 0, "a client is given back once");
  const bool was_used_up = used_up();
  --open_;
  if (!was_used_up || used_up()) return;
  for (BudgetUser* user : users_) user->on_budget_available();
}

void ConnectionBudget::begin_lack(int saved_errno) {
  lack_errno_ = saved_errno;
  const bool was_used_up = used_up();
  ++lacking_;
  if (was_used_up) return;
  for (BudgetUser* user : users_) user->on_budget_used_up();
}

void ConnectionBudget::end_lack() {
  KITE_CHECK(lacking_ > 0, "a lack ends once");
  --lacking_;
  if (used_up()) return;
  for (BudgetUser* user : users_) user->on_budget_available();
}

}  // namespace kite::proxy
