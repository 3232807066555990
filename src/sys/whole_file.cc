#include "sys/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "sys/owned_fd.h"
#include "sys/socket.h"

namespace kite::sys {

namespace {

Error failure(const std::string& what, const std::string& path, int code) {
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

Result<std::optional<std::string>> read_whole_file(const std::string& path, size_t bytes_max) {
  // Non-blocking: a pipe in the file's place must not stop the program.
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return failure("read", path, errno);
  }
  struct stat about {};
  if (::fstat(fd.get(), &about) == -1) return failure("read", path, errno);
  if (!S_ISREG(about.st_mode)) return Error{"cannot read " + path + ": it is not a file"};
  std::string bytes(bytes_max + 1, '\0');
  size_t size = 0;
  for (;;) {  // ends: at the end of the file, or when the room is full
    const ssize_t got = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) return failure("read", path, errno);
    size += static_cast<size_t>(got);
    if (got == 0 || size > bytes_max) break;
  }
  if (size > bytes_max) {
    return Error{"cannot read " + path + ": it is longer than " + std::to_string(bytes_max) +
                 " bytes"};
  }
  bytes.resize(size);
  return std::optional<std::string>(std::move(bytes));
}

Result<Done> replace_file(const std::string& path, std::string_view bytes) {
  // A name of its own for each attempt: two programs that share a path never share the new file.
  std::string other = path + ".XXXXXX";
  OwnedFd fd(::mkostemp(other.data(), O_CLOEXEC));  // with mode 0600
  if (!fd.valid()) return failure("write beside", path, errno);
  int code = 0;
  if (!write_all(fd.get(), bytes)) code = errno;
  fd.reset();
  if (code == 0 && ::rename(other.c_str(), path.c_str()) == -1) code = errno;
  if (code == 0) return Done{};
  ::unlink(other.c_str());
  return failure("write", path, code);
}

}  // namespace kite::sys
