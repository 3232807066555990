#include "sys/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sys/owned_fd.h"
#include "sys/socket.h"

namespace kite::sys {

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
  return FileError{os_error, "cannot read " + path + ": " + errno_text(os_error)};
}

}  // namespace kite::sys
