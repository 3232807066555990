#include "proxy/backend_health.h"

#include <algorithm>

#include "sys/check.h"

namespace kite::proxy {

void BackendHealth::note_failure(sys::SteadyTime since, sys::SteadyTime now) {
  if (kept_since_ < since && now - kept_since_ >= kResetWatch) failures_in_row_ = 0;
  if (failures_in_row_ < UINT16_MAX) ++failures_in_row_;
  if (out()) return;  // news is what was made since the ejection
  failed_at_ = now;
  kept_since_ = sys::SteadyTime::max();
}

bool BackendHealth::note_connected(sys::SteadyTime now) {
  kept_since_ = std::min(kept_since_, now);
  if (state_ != State::probing || until_ != sys::SteadyTime::max()) return false;
  until_ = now + kResetWatch;
  return true;
}

void BackendHealth::note_untold(sys::SteadyTime connected_at) {
  if (kept_since_ == connected_at) kept_since_ = sys::SteadyTime::max();
}

bool BackendHealth::note_success(sys::SteadyTime now) {
  failures_in_row_ = 0;
  if (state_ == State::serving) return false;
  transition_to(State::serving);
  returned_at_ = now;
  return true;
}

sys::Duration BackendHealth::eject(sys::SteadyTime now, sys::Random& random) {
  if (state_ == State::serving && now - returned_at_ >= kForgetAfter) ejections_ = 0;
  // 1 s, 2 s, 4 s, ... and up to half of it more, so that kites which saw the same failure do not
  // all probe at once; with that at most the longest.
  constexpr sys::Duration kLongestStep = sys::Duration(kLongestEjection) * 2 / 3;
  const sys::Duration step =
      std::min(sys::Duration(kFirstEjection) * (1 << ejections_), kLongestStep);
  if (step < kLongestStep) ++ejections_;
  const sys::Duration time = step + random.jitter(step / 2);
  transition_to(State::ejected);
  until_ = now + time;
  failed_at_ = now;
  kept_since_ = sys::SteadyTime::max();
  return time;
}

void BackendHealth::begin_probe() {
  transition_to(State::probing);
  until_ = sys::SteadyTime::max();
}

void BackendHealth::abandon_probe() {
  transition_to(State::ejected);
  until_ = sys::SteadyTime{};
}

void BackendHealth::readmit() {
  transition_to(State::serving);
  returned_at_ = sys::SteadyTime{};
}

void BackendHealth::transition_to(State next) {
  KITE_CHECK(may_become(state_, next), "BackendHealth::may_become lists every change of state");
  state_ = next;
}

}  // namespace kite::proxy
