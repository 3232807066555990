// Asserts of the driver run outside of any test case here, so this program brings doctest along.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>

#include "sys/check.h"
#include "sys/owned_fd.h"
#include "tests/support/scripted_peers.h"

namespace {

using kite::testing::ScriptedPeers;

/// Choices by the bytes of the input, so that the fuzzer's small changes are small changes of the
/// script. Zero once they are used up.
class InputChoices final : public kite::sys::Random {
 public:
  explicit InputChoices(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool used_up() const { return bytes_.empty(); }

  uint32_t below(uint32_t count) override {
    uint32_t value = 0;
    for (uint32_t rest = count - 1; rest > 0; rest >>= 8) {  // ends: at most four bytes
      value = (value << 8) | take();
    }
    return value % count;
  }
  kite::sys::Duration jitter(kite::sys::Duration) override { return {}; }

 private:
  uint8_t take() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

  std::span<const uint8_t> bytes_;
};

void stop_at_failure(const doctest::AssertData& assertion) {
  if (!assertion.m_failed) return;
  std::fprintf(stderr, "%s:%d: %s\n", assertion.m_file, assertion.m_line, assertion.m_expr);
  KITE_CHECK(false, "a tunnel did what it must not");
}

bool prepare() {
  std::signal(SIGPIPE, SIG_IGN);  // as the program does
  static doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  context.setAssertHandler(&stop_at_failure);
  return true;
}

void bring_loopback_up() {
  const kite::sys::OwnedFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP;
  KITE_CHECK(::ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0, "a new network's owner may");
}

}  // namespace

/// More than an execution frees, so what it still uses then is found. The usual 256 MiB are so much
/// memory that is touched for the first time again and again: a third of all the time.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=8";
}

/// A network of its own, where that is permitted. It keeps no TIME-WAIT: of millions of connections
/// those would take every port, and looking for a free one nearly all the time before. And it
/// acknowledges at once, where ip(8) is there to say so: a sender whose window is small would wait
/// 40 ms of real time for each delayed ACK.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return 0;
  bring_loopback_up();
  std::ofstream("/proc/sys/net/ipv4/tcp_max_tw_buckets") << 0;
  static_cast<void>(
      std::system("ip route change table local local 127.0.0.1 dev lo quickack 1 2>/dev/null"));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool prepared = prepare();
  KITE_CHECK(prepared, "asserts have somewhere to go");
  constexpr int kStepsMax = 100;
  InputChoices choices({data, size});
  ScriptedPeers(choices).run([&](int steps) { return steps < kStepsMax && !choices.used_up(); });
  return 0;
}
