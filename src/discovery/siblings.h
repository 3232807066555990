#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "event/handler.h"
#include "sys/clock.h"

namespace kite::discovery {

class DiscoveryCycle;

/// What a sibling's calls brought to a target that did not ask.
enum class News : uint8_t {
  renewed,    ///< descriptions that say what was known
  told,       ///< descriptions that say something new
  listed,     ///< the list of tasks: a poll that begins now has it
  throttled,  ///< the account's budget is used up
};

/// The ECS targets of a program, so that those of one cluster can share calls. A target alone finds
/// nobody here, and polls as if this did not exist. DESIGN 57
/// Owns:      nothing.
/// Lifetime:  outlives the cycles, which enter and leave by themselves.
/// Thread:    reactor thread only. Nothing that a cycle is told makes it call anybody or end: it
///            takes it up in a turn of its own. So nobody leaves while the others are gone through.
class Siblings {
 public:
  using OnNews = event::Handler<void(News)>;

  void enter(DiscoveryCycle& cycle) { cycles_.push_back(&cycle); }
  void leave(const DiscoveryCycle& cycle) { std::erase(cycles_, &cycle); }
  const std::vector<DiscoveryCycle*>& all() const { return cycles_; }

  /// When the first poll of a target is due: targets of one cluster begin side by side.
  sys::SteadyTime first_poll(const std::string& cluster, sys::SteadyTime now, sys::Duration delay) {
    for (const auto& [name, due] : first_polls_) {
      if (name == cluster && due > now) return due;
    }
    first_polls_.emplace_back(cluster, now + delay);
    return now + delay;
  }

 private:
  std::vector<DiscoveryCycle*> cycles_;
  std::vector<std::pair<std::string, sys::SteadyTime>>
      first_polls_;  ///< one for each start at most
};

/// Whom a cycle shares calls with, and who hears what came by that. Null: nobody.
struct Sharing {
  Siblings* siblings = nullptr;
  Siblings::OnNews on_news{};
};

}  // namespace kite::discovery
