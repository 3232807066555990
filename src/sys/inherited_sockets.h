#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/endpoint.h"
#include "sys/environment.h"
#include "sys/owned_fd.h"

namespace kite::sys {

/// Listening TCP sockets that whoever started this process had opened and passed on: they outlive
/// the process, so that another can follow without a client being refused.
/// Owns:      the sockets that nobody has.
/// Source:    sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, descriptors from 3 on.
class InheritedSockets {
 public:
  /// None.
  InheritedSockets() = default;
  /// Of this process. To be called before it opens descriptors of its own. What was passed on and
  /// is no listening TCP socket is closed and complained of.
  static InheritedSockets of_process(const Environment& environment);
  /// Of descriptors `first_fd` and on. For tests and of_process().
  InheritedSockets(int first_fd, int count);

  /// The socket for `port`: at exactly that address, or at any if none is given, all addresses
  /// first. Invalid when there is none.
  OwnedFd take(const std::optional<Endpoint>& address, uint16_t port);
  /// Of who took it and has no use for it now, but may have again. Nobody closes it.
  void put_back(OwnedFd socket);
  /// Closes what nobody has taken. Returns where those listened.
  std::vector<Endpoint> close_rest();
  /// Where those listen that nobody has taken yet; each is told once.
  std::vector<Endpoint> tell_rest();

  /// A sentence for each thing that was wrong with what was passed on.
  const std::vector<std::string>& complaints() const { return complaints_; }
  bool empty() const { return sockets_.empty(); }

 private:
  struct Socket {
    OwnedFd fd;
    Endpoint endpoint;
    bool was_taken = false;
    bool was_told = false;
  };

  std::vector<Socket> sockets_;
  std::vector<std::string> complaints_;
};

}  // namespace kite::sys
