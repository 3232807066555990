#include "admin/health.h"

namespace kite::admin {

namespace {

/// Empty when the target is fine.
std::string lack_of(const TargetView& target) {
  if (target.snapshot == nullptr) {
    const bool asked = target.discovery.cycles_failed + target.discovery.cycles_partial > 0;
    return target.name + (asked ? ": no snapshot, AWS has not answered in full yet; see the log"
                                : ": no snapshot, AWS has not answered yet");
  }
  if (target.snapshot->backend_count() == 0) {
    return target.name + ": no backend, AWS knows no task that can serve";
  }
  return {};
}

}  // namespace

Readiness judge_readiness(const View& view) {
  if (view.draining) return {false, "draining: the kite was told to end"};
  size_t backends = 0;
  for (const TargetView& target : view.targets) {
    std::string lack = lack_of(target);
    if (!lack.empty()) return {false, std::move(lack)};
    backends += target.snapshot->backend_count();
  }
  return {true, "ready: " + std::to_string(backends) + (backends == 1 ? " backend" : " backends")};
}

}  // namespace kite::admin
