#include "proxy/connection_budget.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>

namespace kite::proxy {

namespace {

struct User final : BudgetUser {
  explicit User(ConnectionBudget& shared) : budget(shared) { budget.join(*this); }
  ~User() override { budget.leave(*this); }
  void on_budget_used_up() override { accepting = false; }
  void on_budget_available() override { accepting = true; }

  ConnectionBudget& budget;
  bool accepting = true;
};

}  // namespace

TEST_CASE("connection budget: every user stops with the last place, and goes on with the next") {
  ConnectionBudget budget(2);
  User one(budget);
  User two(budget);
  budget.take(one);
  CHECK(two.accepting);
  budget.take(two);
  CHECK(budget.used_up());
  CHECK_FALSE(one.accepting);
  CHECK_FALSE(two.accepting);
  budget.give_back();
  CHECK(one.accepting);
  CHECK(two.accepting);
}

TEST_CASE("connection budget: nobody accepts while a client that was accepted lacks a descriptor") {
  ConnectionBudget budget(3);
  User one(budget);
  User two(budget);
  budget.take(one);
  budget.take(two);
  budget.begin_lack(EMFILE);
  budget.begin_lack(EMFILE);
  CHECK(budget.lacks());
  CHECK_FALSE(one.accepting);
  CHECK_FALSE(two.accepting);
  budget.give_back();  // a place is free, what it left is for those who wait
  budget.end_lack();
  CHECK_FALSE(two.accepting);
  budget.end_lack();
  CHECK(one.accepting);
  CHECK(two.accepting);
  CHECK_FALSE(budget.used_up());
}

TEST_CASE("connection budget: the end of a lack makes no places") {
  ConnectionBudget budget(1);
  User user(budget);
  budget.take(user);
  budget.begin_lack(EMFILE);
  budget.end_lack();
  CHECK_FALSE(user.accepting);
  budget.give_back();
  CHECK(user.accepting);
}

TEST_CASE("connection budget: that accepting pauses is told once for all users") {
  using std::chrono::seconds;
  ConnectionBudget budget(1);
  const sys::SteadyTime start{};
  CHECK(budget.admit_report(start) == 0);
  CHECK_FALSE(budget.admit_report(start).has_value());  // the next user, in the same moment
  CHECK_FALSE(budget.admit_report(start + seconds(4)).has_value());
  CHECK(budget.admit_report(start + seconds(5)) == 2);
}

}  // namespace kite::proxy
