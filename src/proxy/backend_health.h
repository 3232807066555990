#pragma once

#include <chrono>
#include <cstdint>

#include "sys/clock.h"
#include "sys/random.h"

namespace kite::proxy {

/// Whether one backend is given connections, by how its last ones fared. It is ejected after
/// failures in a row, for a time that grows with each ejection; then one connection is a probe, and
/// decides. Who may be ejected is for the caller to say. DESIGN 41
/// Thread:    reactor thread only.
/// Source:    Envoy's outlier detection (consecutive failures, growing ejection time), with the
///            half-open step of Nygard, "Release It!", Circuit Breaker.
class BackendHealth {
 public:
  enum class State : uint8_t {
    serving,
    ejected,  ///< until a time; from then on due for a probe
    probing,  ///< one connection is out to see
  };
  static constexpr bool may_become(State from, State to) {
    switch (from) {
      case State::serving:
        return to == State::ejected;
      case State::ejected:
        return to == State::probing || to == State::serving;
      case State::probing:
        return to == State::ejected || to == State::serving;
    }
    return false;
  }

  static constexpr std::chrono::seconds kFirstEjection{1};
  static constexpr std::chrono::seconds kLongestEjection{60};
  /// Having served for so long since it came back, a backend starts again with the first.
  static constexpr std::chrono::seconds kForgetAfter{60};
  /// With resets judged, a probe has passed when the backend kept it for so long.
  static constexpr std::chrono::seconds kResetWatch{1};

  State state() const { return state_; }
  bool out() const { return state_ != State::serving; }
  /// Ejected: when it is due. Probing: when it has passed by itself; the far future while only the
  /// connect can tell.
  sys::SteadyTime until() const { return until_; }
  bool due(sys::SteadyTime now) const { return state_ == State::ejected && now >= until_; }
  bool passed(sys::SteadyTime now) const { return state_ == State::probing && now >= until_; }
  /// Failures since the last success.
  uint16_t failures_in_row() const { return failures_in_row_; }

  /// `since`: when the connection that failed was made. With resets judged, another one that was
  /// made since the failure before and has been kept for kResetWatch breaks the row.
  void note_failure(sys::SteadyTime since, sys::SteadyTime now);
  /// Ends an ejection or a probe; returns whether there was one.
  bool note_success(sys::SteadyTime now);
  /// For the first time, again, or anew after a probe that failed. Returns for how long.
  sys::Duration eject(sys::SteadyTime now, sys::Random& random);
  void begin_probe();
  /// A connection is made, but resets are judged too: that it is kept is the success. Returns
  /// whether it began the watch of a probe.
  bool note_connected(sys::SteadyTime now);
  /// Whether a connection that was made then can tell more than the last failure did.
  bool is_news(sys::SteadyTime connected_at) const { return connected_at > failed_at_; }
  /// A connection ended soon, without a byte and without a failure.
  void note_untold(sys::SteadyTime connected_at);
  /// The probe ended without telling anything: the backend is due at once.
  void abandon_probe();
  /// Taken back because its set became too small to do without. The next failure ejects it again.
  void readmit();

 private:
  void transition_to(State next);

  sys::SteadyTime until_{};
  sys::SteadyTime returned_at_{};
  sys::SteadyTime failed_at_ = sys::SteadyTime::min();   // last, or ejected
  sys::SteadyTime kept_since_ = sys::SteadyTime::max();  // the first connection made since then
  uint16_t failures_in_row_ = 0;
  uint8_t ejections_ = 0;  // that count for the next one's length
  State state_ = State::serving;
};

}  // namespace kite::proxy
