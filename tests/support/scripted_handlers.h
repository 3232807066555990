#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <functional>
#include <utility>

#include "event/reactor.h"
#include "sys/owned_fd.h"

namespace kite::testing {

/// A watch that does what the test says and counts its calls. The action may destroy other objects,
/// never the one it belongs to.
struct ScriptedWatch {
  ScriptedWatch(event::Reactor& reactor, std::function<void(event::Events)> action_of_test)
      : action(std::move(action_of_test)),
        watch(reactor, event::Watch::OnReady::to<&ScriptedWatch::on_ready>(this)) {}
  void on_ready(event::Events events) {
    ++calls;
    action(events);
  }

  int calls = 0;
  std::function<void(event::Events)> action;
  event::Watch watch;
};

struct ScriptedTimer {
  ScriptedTimer(event::TimerQueue& queue, std::function<void()> action_of_test)
      : action(std::move(action_of_test)),
        timer(queue, event::Timer::OnDue::to<&ScriptedTimer::on_due>(this)) {}
  void on_due() {
    ++calls;
    action();
  }

  int calls = 0;
  std::function<void()> action;
  event::Timer timer;
};

struct ScriptedTurn {
  ScriptedTurn(event::Reactor& reactor, std::function<void()> action_of_test)
      : action(std::move(action_of_test)),
        turn(reactor, event::Continuation::OnTurn::to<&ScriptedTurn::on_turn>(this)) {}
  void on_turn() {
    ++calls;
    action();
  }

  int calls = 0;
  std::function<void()> action;
  event::Continuation turn;
};

/// A connected pair of non-blocking stream sockets.
struct SocketPair {
  SocketPair() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  /// Makes `near` readable.
  void poke() const { REQUIRE(::send(far.get(), "x", 1, MSG_NOSIGNAL) == 1); }

  sys::OwnedFd near;
  sys::OwnedFd far;
};

}  // namespace kite::testing
