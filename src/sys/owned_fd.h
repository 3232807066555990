#pragma once

#include <unistd.h>

#include <utility>

namespace kite::sys {

/// The one owner of a file descriptor. -1 is empty, 0 is valid; there is no implicit conversion,
/// so a bare `int fd` elsewhere is always borrowed.
/// Errors:    close(2) is not retried: on Linux the number is free even after EINTR.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ != -1; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old != -1) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace kite::sys
