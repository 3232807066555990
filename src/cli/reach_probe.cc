#include "cli/reach_probe.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/socket.h"

namespace kite::cli {

class ReachProbe::Attempt final : public event::Retirable {
 public:
  Attempt(ReachProbe& probe, size_t which)
      : index(which),
        probe_(probe),
        watch_(probe.reactor_, event::Watch::OnReady::to<&Attempt::on_ready>(this)),
        timer_(probe.reactor_.timers(), event::Timer::OnDue::to<&Attempt::on_due>(this)) {}

  /// False when it failed at once, with the errno.
  bool start(int& error) {
    fd_ = sys::connect_tcp(probe_.endpoints_[index], error);
    if (!fd_.valid()) return false;
    if (!watch_.start(fd_.get(), event::Interest::read_write)) {
      error = errno;
      return false;
    }
    timer_.start(probe_.reactor_.now() + probe_.attempt_timeout_);
    return true;
  }

  const size_t index;

 private:
  void on_ready(event::Events) { finish(sys::take_pending_error(fd_.get())); }
  void on_due() { finish(ETIMEDOUT); }
  void finish(int error) {
    watch_.cancel();
    timer_.cancel();
    sys::reset_on_close(fd_.get());  // nothing was said, so nothing is to be said any more
    fd_.reset();
    probe_.on_attempt_done(*this, error);
  }

  ReachProbe& probe_;
  sys::OwnedFd fd_;
  event::Watch watch_;
  event::Timer timer_;
};

ReachProbe::ReachProbe(event::Reactor& reactor, std::vector<sys::Endpoint> endpoints,
                       std::chrono::milliseconds attempt_timeout)
    : reactor_(reactor),
      endpoints_(std::move(endpoints)),
      attempt_timeout_(attempt_timeout),
      errors_(endpoints_.size(), EINPROGRESS) {
  start_some();
}

ReachProbe::~ReachProbe() = default;

void ReachProbe::start_some() {
  while (next_ < endpoints_.size() && attempts_.size() < kAtOnceMax) {  // ends: next_ grows
    auto attempt = std::make_unique<Attempt>(*this, next_++);
    int error = 0;
    if (attempt->start(error)) {
      attempts_.push_back(std::move(attempt));
    } else {
      errors_[attempt->index] = error;
      ++finished_;
    }
  }
}

void ReachProbe::on_attempt_done(Attempt& attempt, int error) {
  errors_[attempt.index] = error;
  if (error == 0) reached_any_ = true;
  ++finished_;
  const auto found =
      std::ranges::find_if(attempts_, [&](const auto& each) { return each.get() == &attempt; });
  reactor_.destroy_later(std::move(*found));
  attempts_.erase(found);
  start_some();
}

}  // namespace kite::cli
