#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sys/clock.h"
#include "sys/owned_fd.h"

namespace kite::sys {

/// What the kernel says of this process. Cheap enough for every look at it.
struct ProcessUsage {
  std::optional<uint64_t> resident_bytes;  ///< absent without /proc
  std::optional<uint64_t> open_fds;        ///< absent without /proc, and before Linux 6.2
  uint64_t fds_max = 0;                    ///< the soft limit
  Duration cpu_time{};                     ///< user and system together
};

/// Owns:      descriptors into /proc, opened once so that nothing is opened while traffic flows.
/// Errors:    what cannot be had is absent.
/// Source:    proc(5); fstat(2) of /proc/self/fd gives the number of descriptors since Linux 6.2
///            (f1f1f2569901); getrlimit(2), clock_gettime(2).
class Process {
 public:
  Process();
  ProcessUsage usage() const;

 private:
  OwnedFd statm_;
  OwnedFd descriptors_;
};

}  // namespace kite::sys
