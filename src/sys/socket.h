#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sys/endpoint.h"
#include "sys/owned_fd.h"
#include "sys/result.h"

namespace kite::sys {

/// Non-blocking, close-on-exec TCP sockets. Cold paths return Result with a sentence; hot paths
/// return an enum and leave the errno in the caller's variable.
/// Source:    ip(7), tcp(7), socket(7), accept(2), connect(2).

struct ListenOptions {
  int backlog = 4096;          ///< cut to net.core.somaxconn by the kernel
  bool accept_v4_too = false;  ///< on an IPv6 endpoint: dual stack instead of IPV6_V6ONLY
};

/// Why a listening socket could not be had; `message` is for people, `code` for decisions.
struct ListenError {
  int code = 0;  ///< errno
  std::string message;
};

/// Accepted sockets inherit the listener's options (tcp_create_openreq_child copies them), which
/// saves system calls with every connection: TCP_NODELAY, keepalive, SO_OOBINLINE.
Result<OwnedFd, ListenError> listen_tcp(const Endpoint& endpoint, const ListenOptions& options);

enum class AcceptStep : uint8_t {
  accepted,
  would_block,     ///< the queue is empty
  lost,            ///< this one client went away or failed; take the next
  out_of_handles,  ///< no descriptor or memory: stop accepting for a while
};
/// `client` and `peer` are set only when accepted. Source: accept(2), "Error handling".
AcceptStep accept_tcp(int listener_fd, OwnedFd& client, Endpoint& peer, int& saved_errno);

/// Starts a connect. An invalid OwnedFd means that it failed at once; otherwise wait for the
/// socket to become writable and ask take_pending_error(). TCP_NODELAY and SO_OOBINLINE are set;
/// keepalive is not, because most connections end before it would do anything.
OwnedFd connect_tcp(const Endpoint& endpoint, int& saved_errno);

/// Makes the kernel probe a silent peer: one that vanished without FIN or RST is noticed after 60 s
/// + 4 * 15 s of silence. The kernel's defaults would take more than two hours (tcp(7)).
void keep_alive(int fd);

/// Takes the socket's pending error (SO_ERROR); 0 when there is none.
int take_pending_error(int fd);

/// Sends FIN after what is queued; the other direction goes on.
void shutdown_write(int fd);

/// Makes the coming close(2) send RST and drop what is queued (SO_LINGER with zero seconds).
void reset_on_close(int fd);

/// Bytes given to the kernel that the peer has not acknowledged; 0 when the kernel does not say.
/// Source:    tcp(7), SIOCOUTQ.
size_t unacknowledged_bytes(int fd);

/// The address the socket is bound to; the default endpoint if the kernel does not say.
Endpoint local_endpoint(int fd);

/// Text for an errno value, for messages. Thread-safe and does not allocate twice.
std::string errno_text(int code);

/// Raises the soft descriptor limit to the hard one. Returns the limit now in force.
uint64_t raise_descriptor_limit();

}  // namespace kite::sys
