#include "sys/small_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/support/scratch_folder.h"
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

TEST_CASE("small file: what was put is read back, for the owner alone, whatever the umask") {
  testing::ScratchFolder folder;
  const std::string path = folder.path("set");
  const mode_t before = ::umask(0);
  REQUIRE(replace_file(path, "one").ok());
  ::umask(before);
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777U) == 0600U);
  REQUIRE(replace_file(path, std::string(100000, 'x')).ok());
  const auto read = read_small_file(path, 100000);
  REQUIRE(read.ok());
  CHECK(read.value() == std::string(100000, 'x'));
  CHECK(folder.names() == "set");  // nothing is left beside it
}

TEST_CASE("small file: one that cannot be written leaves the old one, and a sentence") {
  testing::ScratchFolder folder;
  const auto nowhere = replace_file(folder.path("no/such/folder"), "x");
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().message.starts_with("cannot write beside " + folder.path("no/such")));
  REQUIRE(::mkdir(folder.path("taken").c_str(), 0700) == 0);
  REQUIRE_FALSE(replace_file(folder.path("taken"), "x").ok());
  CHECK(folder.names() == "taken");
}

}  // namespace kite::sys
