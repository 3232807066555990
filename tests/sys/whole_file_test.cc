#include "sys/whole_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/scratch_folder.h"

namespace kite::sys {

TEST_CASE("whole file: what was put is read back, for the owner alone, whatever the umask") {
  testing::ScratchFolder folder;
  const std::string path = folder.path("set");
  const mode_t before = ::umask(0);
  REQUIRE(replace_file(path, "one").ok());
  ::umask(before);
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777U) == 0600U);
  REQUIRE(replace_file(path, std::string(100000, 'x')).ok());
  const auto read = read_whole_file(path, 100000);
  REQUIRE(read.ok());
  CHECK(read->value() == std::string(100000, 'x'));
  CHECK(folder.names() == "set");  // nothing is left beside it
}

TEST_CASE("whole file: none is no error, too long or no file is") {
  testing::ScratchFolder folder;
  const auto none = read_whole_file(folder.path("none"), 10);
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
  REQUIRE(replace_file(folder.path("long"), "12345678901").ok());
  CHECK_FALSE(read_whole_file(folder.path("long"), 10).ok());
  CHECK(read_whole_file(folder.path("long"), 11).ok());
  CHECK(read_whole_file(folder.path(""), 10).error().message.ends_with("it is not a file"));
}

TEST_CASE("whole file: one that cannot be written leaves the old one, and a sentence") {
  testing::ScratchFolder folder;
  const auto nowhere = replace_file(folder.path("no/such/folder"), "x");
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().message.starts_with("cannot write beside " + folder.path("no/such")));
  REQUIRE(::mkdir(folder.path("taken").c_str(), 0700) == 0);
  REQUIRE_FALSE(replace_file(folder.path("taken"), "x").ok());
  CHECK(folder.names() == "taken");
}

}  // namespace kite::sys
