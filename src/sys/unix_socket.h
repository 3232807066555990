#pragma once

#include <sys/socket.h>

#include <string>

#include "sys/owned_fd.h"
#include "sys/socket.h"

namespace kite::sys {

/// A listening stream socket at a path, non-blocking and close-on-exec, that only the user of this
/// process may connect to (mode 0600 from the moment it exists).
/// What a dead process left at the path is removed: a socket that refuses connections. Anything
/// else there is left alone and reported.
/// Source:    unix(7); that fchmod(2) before bind(2) gives the file its mode: Linux, net/unix.
Result<OwnedFd, ListenError> listen_unix(const std::string& path, int backlog);

/// Fills in the address of a path. False when it does not fit, or would mean something else.
[[nodiscard]] bool fill_unix_address(const std::string& path, sockaddr_storage& address,
                                     socklen_t& length);

}  // namespace kite::sys
