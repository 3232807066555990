#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "admin/admin_request.h"
#include "admin/admin_response.h"
#include "admin/admin_stats.h"
#include "event/reactor.h"
#include "event/timer_queue.h"
#include "sys/owned_fd.h"

namespace kite::admin {

class AdminConnection;

/// Who keeps the connections.
class AdminConnectionOwner {
 public:
  virtual ~AdminConnectionOwner() = default;
  /// Called once, last; the owner hands the object to Reactor::destroy_later().
  virtual void on_connection_ended(AdminConnection& connection) = 0;
};

/// One client of the admin address: one request, one answer, the end. No keep-alive, so what a
/// client can cost is bounded by how many are accepted.
/// Owns:      the socket.
/// Lifetime:  everything in Deps outlives it. After on_connection_ended it does nothing.
/// Thread:    reactor thread only.
/// Source:    closing in two steps: RFC 9112 section 9.6.
class AdminConnection final : public event::Retirable {
 public:
  static constexpr std::chrono::seconds kRequestTime{2};  ///< for the whole head
  static constexpr std::chrono::seconds kAnswerTime{5};   ///< until the kernel has it all
  static constexpr std::chrono::seconds kLingerTime{1};   ///< for the client to close

  struct Deps {
    event::Reactor& reactor;
    AdminPages& pages;
    AdminStats& stats;
    AdminConnectionOwner& owner;
    HostRule host_rule;
  };
  AdminConnection(const Deps& deps, sys::OwnedFd fd);

  /// False when the kernel watches no more descriptors; the owner is not told.
  [[nodiscard]] bool start();

 private:
  enum class State : uint8_t { reading, answering, lingering, ended };
  static constexpr bool may_become(State from, State to) {
    switch (from) {
      case State::reading:
        return to == State::answering || to == State::ended;
      case State::answering:
        return to == State::lingering || to == State::ended;
      case State::lingering:
        return to == State::ended;
      case State::ended:
        return false;
    }
    return false;
  }
  static constexpr size_t kReadBytes = 2048;  ///< a turn
  static constexpr size_t kLingerBytesMax = 64 * 1024;

  void on_ready(event::Events events);
  void on_due();
  void read_request();
  void answer(const AdminRequest& request);
  void send_answer();
  void discard();
  void transition_to(State next);
  void end();

  event::Reactor& reactor_;
  AdminPages& pages_;
  AdminStats& stats_;
  AdminConnectionOwner& owner_;
  const HostRule host_rule_;
  State state_ = State::reading;
  std::string request_;
  std::string answer_;
  size_t sent_bytes_ = 0;
  size_t discarded_bytes_ = 0;
  sys::OwnedFd fd_;
  event::Watch watch_;
  event::Timer deadline_;
};

}  // namespace kite::admin
