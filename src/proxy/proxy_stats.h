#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "sys/clock.h"
#include "sys/duration_histogram.h"

namespace kite::proxy {

/// Counters of the data path. Plain numbers, written on the reactor thread.
struct ProxyStats {
  uint64_t accepted_total = 0;
  uint64_t accept_pauses_total = 0;      ///< times accepting stopped: a limit, or a lack
  uint64_t no_backend_total = 0;         ///< clients reset because nothing serves their port
  uint64_t held_total = 0;               ///< clients that waited until a backend was known
  uint64_t held_served_total = 0;        ///< of them: got one
  uint64_t held_over_total = 0;          ///< of them: reset when their time was over
  uint64_t held_left_total = 0;          ///< of them: went away
  uint64_t hold_full_total = 0;          ///< clients reset because too many waited already
  uint64_t connect_failures_total = 0;   ///< attempts refused, unreachable or timed out
  uint64_t retries_total = 0;            ///< attempts after a client's first
  uint64_t reset_retries_total = 0;      ///< of them: a backend reset before a byte had moved
  uint64_t connect_shortages_total = 0;  ///< attempts put off for want of what is our own
  uint64_t unserved_total = 0;           ///< clients reset after every attempt failed
  uint64_t failed_over_total = 0;        ///< clients served after a first backend failed them
  uint64_t tunnels_opened_total = 0;
  uint64_t tunnels_finished_total = 0;  ///< both directions ended with FIN
  uint64_t tunnels_reset_total = 0;     ///< ended by a reset from either side
  uint64_t tunnels_cut_total = 0;       ///< ended by us: port gone, shutting down, or as follows
  uint64_t tunnels_idle_total = 0;      ///< of them: without traffic for too long
  uint64_t tunnels_removed_total = 0;   ///< of them: their task had left
  uint64_t client_to_backend_bytes_total = 0;
  uint64_t backend_to_client_bytes_total = 0;
  uint64_t listen_failures_total = 0;
  uint64_t memory_freed_total = 0;  ///< times memory of ended connections was given back
};

/// From a backend in the next rack to the connect timeout of the patient.
struct ConnectTimes {
  using us = std::chrono::microseconds;
  static constexpr std::array<sys::Duration, 13> kEdges = {
      us(250),    us(500),     us(1'000),   us(2'500),   us(5'000),     us(10'000),   us(25'000),
      us(50'000), us(100'000), us(250'000), us(500'000), us(1'000'000), us(5'000'000)};
};

/// From one request to a pooled connection that lives for days.
struct TunnelTimes {
  using ms = std::chrono::milliseconds;
  static constexpr std::array<sys::Duration, 11> kEdges = {
      ms(10),     ms(50),      ms(100),     ms(500),       ms(1'000),     ms(5'000),
      ms(30'000), ms(300'000), ms(900'000), ms(3'600'000), ms(86'400'000)};
};

/// The part of one listening port, for as long as it is open.
struct PortStats {
  uint16_t listen_port = 0;
  uint16_t container_port = 0;
  uint64_t connections = 0;  ///< now: tunnels and clients that wait for one
  ProxyStats counters;
  sys::DurationHistogram<ConnectTimes> connect_times;  ///< of attempts that succeeded
  sys::DurationHistogram<TunnelTimes> tunnel_times;    ///< from accept to end
};

}  // namespace kite::proxy
