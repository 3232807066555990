#include "sys/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kite::sys {

namespace {

ListenError unix_error(const std::string& path, const std::string& problem, int code) {
  return {code, "cannot listen on " + path + ": " + problem};
}

OwnedFd new_unix_socket() {
  return OwnedFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

struct UnixAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Makes way at `path`. Empty when there is nothing in the way any more.
std::string remove_stale(const std::string& path, const UnixAddress& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == -1) return {};  // the usual case: bind() says the rest
  if (!S_ISSOCK(found.st_mode)) {
    return "the file that is there is no socket; remove it or give another path";
  }
  const OwnedFd probe = new_unix_socket();
  if (::connect(probe.get(), address.get(), address.length) == 0 || errno != ECONNREFUSED) {
    return "another process listens there; give another path";
  }
  // Between the look and this, another may have bound the path: it then loses its name, not more.
  if (::unlink(path.c_str()) == -1 && errno != ENOENT) {
    return "the socket that an earlier process left cannot be removed: " + errno_text(errno);
  }
  return {};
}

}  // namespace

Result<OwnedFd, ListenError> listen_unix(const std::string& path, int backlog) {
  UnixAddress address;
  if (!fill_unix_address(path, address.storage, address.length)) {
    return unix_error(path, "a socket's path has from 1 to 107 bytes", ENAMETOOLONG);
  }
  const std::string in_the_way = remove_stale(path, address);
  if (!in_the_way.empty()) return unix_error(path, in_the_way, EADDRINUSE);
  OwnedFd fd = new_unix_socket();
  if (!fd.valid()) return unix_error(path, "socket: " + errno_text(errno), errno);
  constexpr mode_t kOnlyUs = S_IRUSR | S_IWUSR;
  if (::fchmod(fd.get(), kOnlyUs) == -1 || ::bind(fd.get(), address.get(), address.length) == -1) {
    return unix_error(path, "bind: " + errno_text(errno), errno);
  }
  if (::listen(fd.get(), backlog) == -1) {
    return unix_error(path, "listen: " + errno_text(errno), errno);
  }
  return fd;
}

bool fill_unix_address(const std::string& path, sockaddr_storage& address, socklen_t& length) {
  sockaddr_un filled{};
  filled.sun_family = AF_UNIX;
  // With the NUL at its end; a path that starts with one would be an abstract name.
  if (path.empty() || path.size() >= sizeof filled.sun_path) return false;
  if (path.find('\0') != std::string::npos) return false;
  std::memcpy(filled.sun_path, path.c_str(), path.size() + 1);
  std::memcpy(&address, &filled, sizeof filled);
  length = sizeof filled;
  return true;
}

}  // namespace kite::sys
