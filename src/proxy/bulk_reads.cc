#include "proxy/bulk_reads.h"

#include "event/reactor.h"
#include "proxy/tunnel.h"
#include "sys/fit.h"

namespace kite::proxy {

BulkReads::BulkReads(event::Reactor& reactor)
    : reactor_(reactor),
      step_(reactor.timers(), event::Timer::OnDue::to<&BulkReads::on_step>(this)) {}

void BulkReads::add(Tunnel& tunnel) {
  tunnels_.push_back(&tunnel);
  if (!step_.armed()) wait_for_step();
}

void BulkReads::remove(Tunnel& tunnel) {
  std::erase(tunnels_, &tunnel);
  if (!tunnels_.empty()) return;
  step_.cancel();
  sys::fit(tunnels_);
}

void BulkReads::on_step() {
  // From the back: a tunnel may leave while it is looked after.
  for (size_t index = tunnels_.size(); index-- > 0;) tunnels_[index]->on_bulk_step();
  if (!tunnels_.empty()) wait_for_step();
}

void BulkReads::wait_for_step() {
  step_.start(reactor_.now() + kStep);
}

}  // namespace kite::proxy
