#include "sys/owned_fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <type_traits>
#include <utility>

#include "tests/support/fd_census.h"

namespace kite::sys {

namespace {

int new_fd() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<OwnedFd>);
static_assert(!std::is_copy_assignable_v<OwnedFd>);
static_assert(!std::is_convertible_v<OwnedFd, int>);
static_assert(!std::is_convertible_v<OwnedFd, bool>);
static_assert(!std::is_convertible_v<int, OwnedFd>);
static_assert(std::is_nothrow_move_constructible_v<OwnedFd>);

TEST_CASE("owned fd: -1 is empty, 0 is a descriptor like any other") {
  const OwnedFd empty;
  CHECK_FALSE(empty.valid());
  CHECK(empty.get() == -1);
  OwnedFd zero(0);
  CHECK(zero.valid());
  CHECK(zero.release() == 0);
  CHECK_FALSE(zero.valid());
}

TEST_CASE("owned fd: closes once, at its end") {
  const size_t before = testing::count_open_fds();
  const int raw = new_fd();
  {
    const OwnedFd fd(raw);
    CHECK(is_open(raw));
    CHECK(testing::count_open_fds() == before + 1);
  }
  CHECK_FALSE(is_open(raw));
  CHECK(testing::count_open_fds() == before);
}

TEST_CASE("owned fd: moving hands over, assignment closes what was held") {
  const int first = new_fd();
  const int second = new_fd();
  OwnedFd a(first);
  OwnedFd b(std::move(a));
  CHECK_FALSE(a.valid());  // NOLINT: the moved-from state is what is tested
  CHECK(b.get() == first);
  b = OwnedFd(second);
  CHECK_FALSE(is_open(first));
  CHECK(b.get() == second);
  OwnedFd& same = b;
  b = std::move(same);
  CHECK(b.get() == second);
  CHECK(is_open(second));
}

TEST_CASE("owned fd: release keeps it open, reset closes it") {
  OwnedFd fd(new_fd());
  const int raw = fd.release();
  CHECK(is_open(raw));
  fd.reset(raw);
  fd.reset();
  CHECK_FALSE(is_open(raw));
  CHECK_FALSE(fd.valid());
  fd.reset();
}

}  // namespace kite::sys
