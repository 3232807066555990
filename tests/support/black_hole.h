#pragma once

#include <utility>
#include <vector>

#include "sys/endpoint.h"
#include "sys/owned_fd.h"
#include "sys/socket.h"
#include "tests/support/peer.h"

namespace kite::testing {

/// A listening socket with a full queue: further SYNs are dropped, connects hang.
struct BlackHole {
  BlackHole() {
    const auto any = sys::Endpoint::parse("127.0.0.1", 0).value();
    fd = std::move(sys::listen_tcp(any, {.backlog = 0}).value());
    for (int i = 0; i < 4; ++i) fillers.push_back(Peer::connect(sys::local_endpoint(fd.get())));
  }
  sys::Endpoint endpoint() const { return sys::local_endpoint(fd.get()); }

  sys::OwnedFd fd;
  std::vector<Peer> fillers;
};

}  // namespace kite::testing
