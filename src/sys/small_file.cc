#include "sys/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "sys/owned_fd.h"
#include "sys/socket.h"

namespace kite::sys {

namespace {

Error could_not(const std::string& what, const std::string& path, int code) {
  return {"cannot " + what + " " + path + ": " + errno_text(code)};
}

/// False with errno set when not all could be written.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {  // ends: each round writes a byte at least, or fails
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written == -1) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string, FileError> read_small_file(const std::string& path, size_t bytes_max) {
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  std::string text;
  std::array<char, 4096> piece;
  ssize_t got = fd.valid() ? 1 : -1;
  while (got > 0) {  // ends: each round adds a byte, up to the bound, or is the last
    got = ::read(fd.get(), piece.data(), piece.size());
    if (got > 0) text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > bytes_max) {
      return FileError{0, path + " is longer than " + std::to_string(bytes_max) + " bytes"};
    }
  }
  if (got == 0) return text;
  const int os_error = errno;
  return FileError{os_error, could_not("read", path, os_error).message};
}

Result<Done> replace_file(const std::string& path, std::string_view bytes) {
  // A name of its own for each attempt: two programs that share a path never share the new file.
  std::string other = path + ".XXXXXX";
  OwnedFd fd(::mkostemp(other.data(), O_CLOEXEC));  // with mode 0600
  if (!fd.valid()) return could_not("write beside", path, errno);
  int code = 0;
  if (!write_all(fd.get(), bytes)) code = errno;
  fd.reset();
  if (code == 0 && ::rename(other.c_str(), path.c_str()) == -1) code = errno;
  if (code == 0) return Done{};
  ::unlink(other.c_str());
  return could_not("write", path, code);
}

}  // namespace kite::sys
