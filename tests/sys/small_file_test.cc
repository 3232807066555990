#include "sys/small_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/support/temporary_file.h"

namespace kite::sys {

TEST_CASE("small file: it is read whole, up to its bound") {
  const testing::TemporaryFile file(std::string(10'000, 'x'));
  const auto whole = read_small_file(file.path(), 10'000);
  REQUIRE(whole.ok());
  CHECK(whole->size() == 10'000);
  const auto longer = read_small_file(file.path(), 9'999);
  REQUIRE_FALSE(longer.ok());
  CHECK(longer.error().os_error == 0);
  CHECK(longer.error().message == file.path() + " is longer than 9999 bytes");
  CHECK(read_small_file("/dev/null", 10).value().empty());
}

TEST_CASE("small file: what is not there, not a file or without end is said and waits for nobody") {
  const testing::TemporaryFile file("");
  const auto absent = read_small_file(file.path() + "/x", 10);
  CHECK(absent.error().os_error == ENOTDIR);
  CHECK(read_small_file("/nonexistent", 10).error().os_error == ENOENT);
  CHECK(read_small_file("/nonexistent", 10).error().message ==
        "cannot read /nonexistent: No such file or directory");
  CHECK(read_small_file("/", 10).error().os_error == EISDIR);
  CHECK(read_small_file("/dev/zero", 10).error().os_error == 0);
  const std::string fifo = file.path() + ".fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(read_small_file(fifo, 10).value().empty());
  ::unlink(fifo.c_str());
}

}  // namespace kite::sys
