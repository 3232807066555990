#include "event/signal_watch.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "sys/check.h"

namespace kite::event {

SignalWatch::SignalWatch(Reactor& reactor, std::initializer_list<int> signals, OnSignal on_signal)
    : on_signal_(on_signal), watch_(reactor, Watch::OnReady::to<&SignalWatch::on_ready>(this)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  KITE_CHECK(::sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "blocking valid signals cannot fail");
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  KITE_CHECK(fd_.valid(), "a process that cannot hear SIGTERM must not serve");
  KITE_CHECK(watch_.start(fd_.get(), Interest::read), "epoll accepts a signalfd");
}

void SignalWatch::on_ready(Events) {
  signalfd_siginfo info{};
  // Ends: the kernel queues each standard signal at most once.
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace kite::event
