#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sys/clock.h"
#include "sys/endpoint.h"
#include "sys/shared_text.h"

namespace kite::proxy {

/// What the data path makes of a backend just now.
enum class BackendState : uint8_t {
  serving,
  slow_start,  ///< new or back from ejection: takes a growing share
  ejected,     ///< left out after failures, until a time
  probing,     ///< that time is over: one connection at a time is tried
  leaving,     ///< no longer in any set, its connections go on
};
constexpr size_t kBackendStates = 5;

constexpr std::string_view backend_state_name(BackendState state) {
  constexpr std::string_view kNames[kBackendStates] = {"serving", "slow_start", "ejected",
                                                       "probing", "leaving"};
  return kNames[static_cast<size_t>(state)];
}

/// Whether clients are sent there as a rule; the others get one to try by, or those that are there.
constexpr bool is_given_connections(BackendState state) {
  return state == BackendState::serving || state == BackendState::slow_start;
}

/// What happened at one backend. Plain numbers, written on the reactor thread.
struct BackendCounters {
  uint64_t connections_total = 0;        ///< that were established
  uint64_t client_to_backend_bytes = 0;  ///< of connections that have ended
  uint64_t backend_to_client_bytes = 0;
  uint64_t connect_failures_total = 0;
  uint64_t early_resets_total = 0;  ///< reset by the backend before it sent a byte
};

/// One backend as operators see it: an address where a task serves.
struct BackendView {
  uint16_t target = 0;  ///< index of the target that listed it first
  uint16_t container_port = 0;
  sys::Endpoint endpoint;
  sys::SharedText task;  ///< the task ARN's last part
  sys::SharedText zone;  ///< empty when unknown
  BackendState state = BackendState::serving;
  /// Of an ejected one: when it is probed. Of a slow starter: when its share is full.
  sys::SteadyTime until{};
  uint32_t connections = 0;       ///< now, those still being connected included
  uint32_t task_connections = 0;  ///< now, of its task over all ports and targets
  BackendCounters counters;
};

/// What happened at all backends together.
struct BackendTableStats {
  uint64_t ejections_total = 0;
  uint64_t ejections_refused_total = 0;  ///< half of the set was out already
  uint64_t probes_total = 0;
  uint64_t returns_total = 0;  ///< a success brought the backend back
};

}  // namespace kite::proxy
