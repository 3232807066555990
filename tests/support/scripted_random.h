#pragma once

#include <deque>

#include "sys/random.h"

namespace kite::testing {

/// Answers from a script; zero when the script has run out.
class ScriptedRandom final : public sys::Random {
 public:
  uint32_t below(uint32_t count) override {
    if (choices.empty()) return 0;
    const uint32_t choice = choices.front() % count;
    choices.pop_front();
    return choice;
  }
  sys::Duration jitter(sys::Duration most) override {
    if (jitters.empty() || most <= sys::Duration::zero()) return sys::Duration::zero();
    const sys::Duration answer = jitters.front();
    jitters.pop_front();
    return answer < most ? answer : most;
  }

  std::deque<uint32_t> choices;
  std::deque<sys::Duration> jitters;
};

}  // namespace kite::testing
