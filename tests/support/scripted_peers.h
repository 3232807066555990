#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "proxy/proxy_stats.h"
#include "sys/random.h"
#include "tests/support/proxy_harness.h"

namespace kite::testing {

/// What one side of a conversation has put on its way, and how it ended its stream.
struct Speaker {
  std::string sent;
  bool finished = false;
  bool reset = false;
};

/// One scripted connection: a client, the backend it reached, and what both said.
struct Conversation {
  Peer client;
  Peer backend;
  Speaker client_said;
  Speaker backend_said;
};

/// Drives a few conversations through a real proxy by steps that `choices` decides: write, read a
/// little, read all, half-close, reset, advance time, let the loop turn. Whatever peers do, output
/// is a prefix of input and every end is passed on.
/// Lifetime:  the choices outlive it.
class ScriptedPeers {
 public:
  explicit ScriptedPeers(sys::Random& choices)
      : random_(choices),
        // From no pipe at all to one for each direction: copying and splicing take turns.
        kite_(ProxyHarness::default_options(), {.pipes_max = random_.below(8)}),
        listener_("127.0.0.1", 0, 1 + static_cast<int>(random_.below(20000))) {
    kite_.publish({listener_.endpoint()});
  }

  /// Takes steps while `more(steps taken)`, then ends every conversation and judges it.
  template <typename Predicate>
  void run(Predicate more) {
    for (int step = 0; more(step); ++step) take_step();
    for (Conversation& conversation : conversations_) finish(conversation);
    CHECK(kite_.run_with_time_until([&] { return kite_.proxy.connections() == 0; }));
    const proxy::ProxyStats& stats = kite_.proxy.stats();
    CHECK(stats.tunnels_opened_total ==
          stats.tunnels_finished_total + stats.tunnels_reset_total + stats.tunnels_cut_total);
    CHECK(kite_.pipes.lent() == 0);
  }

 private:
  void take_step() {
    const uint32_t action = random_.below(20);
    if (conversations_.size() < 6 && (conversations_.empty() || action == 0)) {
      auto pair = kite_.connect_through(listener_);
      conversations_.push_back({std::move(pair.client), std::move(pair.backend), {}, {}});
      return;
    }
    Conversation& chosen =
        conversations_[random_.below(static_cast<uint32_t>(conversations_.size()))];
    const bool as_client = random_.below(2) == 0;
    Peer& peer = as_client ? chosen.client : chosen.backend;
    Speaker& speaker = as_client ? chosen.client_said : chosen.backend_said;
    if (action <= 8) {
      write(peer, speaker);
    } else if (action <= 13) {
      if (peer.open()) peer.read_some(1 + random_.below(200000));
    } else if (action == 14) {
      half_close(peer, speaker);
    } else if (action == 15 && random_.below(4) == 0) {
      reset(peer, speaker);
    } else if (action == 16) {
      kite_.loop.clock.advance(std::chrono::milliseconds(random_.below(2000)));
    } else {
      kite_.loop.settle(1 + static_cast<int>(random_.below(4)));
    }
    check_prefixes(chosen);
  }

  void write(Peer& peer, Speaker& speaker) {
    if (!peer.open() || speaker.finished) return;
    const uint32_t size_class = random_.below(4);
    const uint32_t size = 1 + random_.below(size_class == 0 ? 4 : size_class == 1 ? 2000 : 300000);
    const std::string data = pattern(size, random_.below(1U << 16));
    speaker.sent += data.substr(0, peer.write_some(data));
  }

  void half_close(Peer& peer, Speaker& speaker) {
    if (!peer.open() || speaker.finished) return;
    peer.shutdown_write();
    speaker.finished = true;
  }

  void reset(Peer& peer, Speaker& speaker) {
    if (!peer.open()) return;
    peer.reset();
    speaker.finished = true;
    speaker.reset = true;
  }

  /// What arrived is always the start of what was sent, at any moment and after any ending.
  static void check_prefixes(const Conversation& conversation) {
    CHECK(conversation.client_said.sent.starts_with(conversation.backend.received()));
    CHECK(conversation.backend_said.sent.starts_with(conversation.client.received()));
  }

  /// Ends both streams; without a reset all that was sent must arrive, and FIN must follow it.
  void finish(Conversation& conversation) {
    half_close(conversation.client, conversation.client_said);
    half_close(conversation.backend, conversation.backend_said);
    const bool was_reset = conversation.client_said.reset || conversation.backend_said.reset;
    CHECK(kite_.run_with_time_until(
        [&] { return ended(conversation.client) & ended(conversation.backend); }));
    check_prefixes(conversation);
    if (was_reset) return;
    CHECK((conversation.backend.received() == conversation.client_said.sent));
    CHECK((conversation.client.received() == conversation.backend_said.sent));
    CHECK(conversation.client.saw_eof());
    CHECK(conversation.backend.saw_eof());
  }

  static bool ended(Peer& peer) {
    if (peer.open()) peer.read_some();
    return !peer.open() || peer.saw_eof() || peer.saw_reset();
  }

  sys::Random& random_;
  ProxyHarness kite_;
  PeerListener listener_;
  std::vector<Conversation> conversations_;
};

}  // namespace kite::testing
