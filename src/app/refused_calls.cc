#include "app/refused_calls.h"

#include <sys/eventfd.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "sys/check.h"

namespace kite::app {

namespace {

constexpr uint32_t kWordBits = 32;
constexpr uint32_t kNumbersMax = 1024;  // the kernel's tables have some 470; the last is for more

// A signal handler is given no object, so what it needs is here.
std::array<std::atomic<uint32_t>, kNumbersMax / kWordBits> refused_numbers{};
std::atomic<int> wakeup_fd{-1};
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void fail_with_eperm(ucontext_t& interrupted) {
#if defined(__x86_64__)
  interrupted.uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
  interrupted.uc_mcontext.regs[0] = static_cast<uint64_t>(-EPERM);
#else
#error "where does this processor return the result of a system call?"
#endif
}

/// True the first time.
bool note(int number) {
  const uint32_t place = number >= 0 && number < static_cast<int>(kNumbersMax)
                             ? static_cast<uint32_t>(number)
                             : kNumbersMax - 1;
  const uint32_t bit = 1U << (place % kWordBits);
  return (refused_numbers[place / kWordBits].fetch_or(bit) & bit) == 0;
}

void on_sigsys(int, siginfo_t* info, void* context) {
  constexpr int kBySeccomp = 1;  // SYS_SECCOMP of <linux/signal.h>; else somebody sent the signal
  if (info->si_code != kBySeccomp) return;
  const int saved_errno = errno;
  fail_with_eperm(*static_cast<ucontext_t*>(context));
  if (note(info->si_syscall)) {
    const uint64_t one = 1;
    static_cast<void>(!::write(wakeup_fd.load(), &one, sizeof one));
  }
  errno = saved_errno;
}

}  // namespace

RefusedCalls::RefusedCalls(event::Reactor& reactor, sys::Logger& log)
    : log_(log),
      wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      watch_(reactor, event::Watch::OnReady::to<&RefusedCalls::on_refused>(this)) {
  // Without a descriptor calls are refused all the same, unheard.
  if (wakeup_.valid()) static_cast<void>(watch_.start(wakeup_.get(), event::Interest::read));
  KITE_CHECK(wakeup_fd.exchange(wakeup_.get()) == -1, "a process has one handler of SIGSYS");
  struct sigaction action {};
  action.sa_sigaction = &on_sigsys;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  KITE_CHECK(::sigaction(SIGSYS, &action, nullptr) == 0, "SIGSYS can be handled");
}

RefusedCalls::~RefusedCalls() {
  wakeup_fd.store(-1);
}

void RefusedCalls::on_refused(event::Events) {
  uint64_t count = 0;
  static_cast<void>(!::read(wakeup_.get(), &count, sizeof count));
  static std::array<uint32_t, kNumbersMax / kWordBits> logged{};
  for (size_t word = 0; word < refused_numbers.size(); ++word) {
    uint32_t news = refused_numbers[word].load() & ~logged[word];
    logged[word] |= news;
    for (; news != 0; news &= news - 1) {  // ends: each round clears a bit
      const auto number = word * kWordBits + static_cast<size_t>(std::countr_zero(news));
      log_.error("syscall_refused",
                 {{"number", number},
                  {"advice",
                   "the sandbox has no rule for this system call: please report it with "
                   "this line; -sandbox=off serves without a sandbox until then"}});
    }
  }
}

}  // namespace kite::app
