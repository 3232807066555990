#include "proxy/access_log.h"

namespace kite::proxy {

namespace {

/// -1 for one that no backend was connected for.
int64_t connect_ms(const ConnectionInfo& info) {
  if (info.connected_at == sys::SteadyTime()) return -1;
  return sys::count_ms(info.connected_at - info.accepted_at);
}

}  // namespace

/// Every line has every field, so that a table of them has columns.
void AccessLog::note(const ConnectionInfo& info, const Outcome& outcome) {
  log_.access("connection", {{"cx", info.id},
                             {"target", target_},
                             {"port", info.listen_port},
                             {"client", info.client.text()},
                             {"backend", info.backend_text()},
                             {"task", outcome.task},
                             {"zone", outcome.zone},
                             {"reason", outcome.reason},
                             {"in_bytes", outcome.in_bytes},
                             {"out_bytes", outcome.out_bytes},
                             {"held_ms", info.held_ms},
                             {"connect_ms", connect_ms(info)},
                             {"duration_ms", outcome.duration_ms},
                             {"tries", info.tries},
                             {"error", outcome.error}});
}

}  // namespace kite::proxy
