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

/// When a peer that went without a word is given up.
struct Liveness {
  /// The kernel probes a peer that has been silent for so long; 0: never.
  std::chrono::seconds probe_after{60};
  std::chrono::seconds probe_interval{15};
  int probes = 4;  ///< so many without an answer end the connection
  /// TCP_USER_TIMEOUT: sent data may stay unacknowledged, or the peer's window shut, for so long;
  /// 0: the kernel's retransmissions decide, about 15 minutes, and a shut window may last for ever.
  std::chrono::milliseconds unacknowledged_max{0};
  bool operator==(const Liveness&) const = default;
};

struct ListenOptions {
  int backlog = 4096;          ///< cut to net.core.somaxconn by the kernel
  bool accept_v4_too = false;  ///< on an IPv6 endpoint: dual stack instead of IPV6_V6ONLY
  Liveness liveness = {};
};

/// Why a listening socket could not be had; `message` is for people, `code` for decisions.
struct ListenError {
  int code = 0;  ///< errno
  std::string message;
};

/// Accepted sockets inherit the listener's options (tcp_create_openreq_child copies them), which
/// saves system calls with every connection: TCP_NODELAY, keepalive, TCP_USER_TIMEOUT,
/// SO_OOBINLINE.
Result<OwnedFd, ListenError> listen_tcp(const Endpoint& endpoint, const ListenOptions& options);

/// Makes a listening socket that somebody else opened like one of ours.
void adopt_listener(int fd, const Liveness& liveness);

enum class AcceptStep : uint8_t {
  accepted,
  would_block,     ///< the queue is empty
  lost,            ///< this one client went away or failed; take the next
  out_of_handles,  ///< no descriptor or memory: stop accepting for a while
  not_listening,   ///< somebody who shares the socket has shut it down: it will never accept
};
/// `client` and `peer` are set only when accepted. Source: accept(2), "Error handling".
AcceptStep accept_tcp(int listener_fd, OwnedFd& client, Endpoint& peer, int& saved_errno);

/// Starts a connect. An invalid OwnedFd means that it failed at once; otherwise wait for the
/// socket to become writable and ask take_pending_error(). TCP_NODELAY and SO_OOBINLINE are set;
/// keepalive is not, because most connections end before it would do anything.
OwnedFd connect_tcp(const Endpoint& endpoint, int& saved_errno);

/// Makes the kernel find out when a peer has vanished without FIN or RST: by default after 60 s + 4
/// * 15 s of silence. The kernel's own defaults would take more than two hours (tcp(7)).
void keep_alive(int fd, const Liveness& liveness);

/// Takes the socket's pending error (SO_ERROR); 0 when there is none.
int take_pending_error(int fd);

/// The socket becomes readable when so much has come, or FIN, or a failure; 1 is how sockets begin.
/// What has already come counts, and is a new edge. Source: socket(7), SO_RCVLOWAT.
void set_low_water(int fd, int bytes);

/// Sends FIN after what is queued; the other direction goes on.
void shutdown_write(int fd);

/// Makes the coming close(2) send RST and drop what is queued (SO_LINGER with zero seconds).
void reset_on_close(int fd);

/// Bytes given to the kernel that the peer has not acknowledged; 0 when the kernel does not say.
/// Source:    tcp(7), SIOCOUTQ.
size_t unacknowledged_bytes(int fd);

/// Bytes that have been received and not read; 0 when the kernel does not say. The peer's FIN does
/// not count. Source: tcp(7), SIOCINQ.
size_t unread_bytes(int fd);

/// The address the socket is bound to; the default endpoint if the kernel does not say.
Endpoint local_endpoint(int fd);

/// Text for an errno value, for messages. Thread-safe and does not allocate twice.
std::string errno_text(int code);

/// Raises the soft descriptor limit to the hard one. Returns the limit now in force.
uint64_t raise_descriptor_limit();

}  // namespace kite::sys
