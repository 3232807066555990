#pragma once

#include <cstdint>

namespace kite::proxy {

/// Counters of the data path. Plain numbers, written on the reactor thread.
struct ProxyStats {
  uint64_t accepted_total = 0;
  uint64_t accept_pauses_total = 0;     ///< times accepting stopped for want of descriptors
  uint64_t no_backend_total = 0;        ///< clients reset because nothing serves their port
  uint64_t connect_failures_total = 0;  ///< attempts refused, unreachable or timed out
  uint64_t unserved_total = 0;          ///< clients reset after every attempt failed
  uint64_t tunnels_opened_total = 0;
  uint64_t tunnels_finished_total = 0;  ///< both directions ended with FIN
  uint64_t tunnels_reset_total = 0;     ///< ended by a reset from either side
  uint64_t tunnels_cut_total = 0;       ///< ended by us: port gone or shutting down
  uint64_t client_to_backend_bytes_total = 0;
  uint64_t backend_to_client_bytes_total = 0;
  uint64_t listen_failures_total = 0;
  uint64_t memory_freed_total = 0;  ///< times memory of ended connections was given back
};

}  // namespace kite::proxy
