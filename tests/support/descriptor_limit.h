#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/owned_fd.h"

namespace kite::testing {

/// While it lives, the process gets no descriptor with a number from `numbers` on.
class DescriptorLimit {
 public:
  /// None at all; those that are open stay so.
  DescriptorLimit() : DescriptorLimit(3) {}
  /// One: the lowest that is free, for the client that is accepted next.
  static int for_one_more() { return sys::OwnedFd(::dup(0)).get() + 1; }
  explicit DescriptorLimit(int numbers) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(numbers);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace kite::testing
