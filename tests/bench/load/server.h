#pragma once

#include <memory>
#include <vector>

#include "sys/endpoint.h"
#include "sys/owned_fd.h"
#include "tests/bench/load/poller.h"

namespace kite::load {

/// The backends: serves every connection as its order says. Wrong bytes reset the connection.
/// Owns:      listeners and connections.
/// Errors:    an address that cannot be listened on ends the program.
class Server {
 public:
  explicit Server(const std::vector<sys::Endpoint>& endpoints);
  ~Server();
  /// Serves until stdin ends.
  void run();

 private:
  struct Connection;
  void accept_some(int listener_fd);
  void on_ready(Connection& connection, uint32_t events);
  void update_interest(Connection& connection);
  void remove(Connection& connection);

  Poller poller_;
  std::vector<std::unique_ptr<Connection>> by_fd_;  ///< listeners among them
};

}  // namespace kite::load
