#include "sys/unix_socket.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "sys/blocking_socket.h"

namespace kite::sys {

namespace {

/// A path of its own, empty before and after.
struct Path {
  Path() { ::unlink(text.c_str()); }
  ~Path() { ::unlink(text.c_str()); }
  std::string text = "/tmp/kite-unix-socket-" + std::to_string(::getpid());
};

constexpr int kBacklog = 4;

/// Whether somebody answers there.
bool is_alive(const std::string& path) {
  return BlockingSocket::connect({{}, path}, std::chrono::seconds(5)).ok();
}

}  // namespace

TEST_CASE("unix socket: only its owner may connect, from the start and whatever the umask") {
  const Path path;
  const mode_t before = ::umask(0);
  const auto fd = listen_unix(path.text, kBacklog);
  ::umask(before);
  REQUIRE(fd.ok());
  struct stat found {};
  REQUIRE(::lstat(path.text.c_str(), &found) == 0);
  CHECK(S_ISSOCK(found.st_mode));
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(is_alive(path.text));
}

TEST_CASE("unix socket: what a dead process left is replaced") {
  const Path path;
  {
    const auto dead = listen_unix(path.text, kBacklog);
    REQUIRE(dead.ok());
  }
  CHECK_FALSE(is_alive(path.text));
  const auto alive = listen_unix(path.text, kBacklog);
  REQUIRE(alive.ok());
  CHECK(is_alive(path.text));
}

TEST_CASE("unix socket: one that is in use stays") {
  const Path path;
  const auto first = listen_unix(path.text, kBacklog);
  REQUIRE(first.ok());
  const auto second = listen_unix(path.text, kBacklog);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.find("another process listens there") != std::string::npos);
  CHECK(is_alive(path.text));
}

TEST_CASE("unix socket: a file that is no socket is never removed") {
  const Path path;
  std::ofstream(path.text) << "precious";
  const auto fd = listen_unix(path.text, kBacklog);
  REQUIRE_FALSE(fd.ok());
  CHECK(fd.error().message.find("no socket") != std::string::npos);
  std::string kept;
  std::ifstream(path.text) >> kept;
  CHECK(kept == "precious");
}

TEST_CASE("unix socket: a path that cannot be is told") {
  CHECK_FALSE(listen_unix("", kBacklog).ok());
  CHECK_FALSE(listen_unix("/" + std::string(200, 'x'), kBacklog).ok());
  CHECK_FALSE(listen_unix(std::string("/tmp/a\0b", 8), kBacklog).ok());
  const auto nowhere = listen_unix("/nowhere/at/all", kBacklog);
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().message.find("/nowhere/at/all") != std::string::npos);
}

}  // namespace kite::sys
