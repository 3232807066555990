#include "sys/process.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <vector>

#include "tests/support/fd_census.h"

namespace kite::sys {

TEST_CASE("process: memory, descriptors and time are what the kernel counts") {
  const Process process;
  const ProcessUsage usage = process.usage();
  REQUIRE(usage.resident_bytes);
  CHECK(*usage.resident_bytes > 100'000);
  CHECK(*usage.resident_bytes % static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) == 0);
  CHECK(usage.fds_max > 0);
  CHECK(usage.cpu_time > Duration::zero());
  if (!usage.open_fds) return;  // before Linux 6.2
  CHECK(*usage.open_fds == testing::count_open_fds());
  const OwnedFd one_more(::dup(0));
  CHECK(process.usage().open_fds == *usage.open_fds + 1);
}

}  // namespace kite::sys
