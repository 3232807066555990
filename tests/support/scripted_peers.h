#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/proxy_stats.h"
#include "sys/random.h"
#include "tests/support/proxy_harness.h"

namespace kite::testing {

/// What one side of a conversation has put on its way, and how it ended its stream.
struct Speaker {
  /// Sent and not yet arrived, in order.
  std::deque<std::string_view> on_the_way;
  bool finished = false;
  bool reset = false;

  /// What arrives, at any moment and after any ending, is what of it was sent first.
  void reached(std::string_view arrived) {
    while (!arrived.empty() && !on_the_way.empty()) {
      std::string_view& next = on_the_way.front();
      const size_t size = std::min(next.size(), arrived.size());
      CHECK((next.substr(0, size) == arrived.substr(0, size)));
      next.remove_prefix(size);
      arrived.remove_prefix(size);
      if (next.empty()) on_the_way.pop_front();
    }
    CHECK_MESSAGE(arrived.empty(), "more arrived than was sent");
  }
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
        send_buffer_bytes_(1 + static_cast<int>(random_.below(20000))),
        segment_bytes_(random_.below(2) == 0 ? 0 : kSegmentBytes),
        listener_("127.0.0.1", 0, send_buffer_bytes_, segment_bytes_) {
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
  static constexpr int kSegmentBytes = 1400;
  static constexpr uint32_t kWriteMax = 300000;
  static constexpr uint32_t kBeginnings = 1U << 16;

  void take_step() {
    const uint32_t action = random_.below(20);
    if (conversations_.size() < 6 && (conversations_.empty() || action == 0)) {
      auto pair = kite_.connect_through(listener_, segment_bytes_);
      conversations_.push_back({std::move(pair.client), std::move(pair.backend), {}, {}});
      return;
    }
    Conversation& chosen =
        conversations_[random_.below(static_cast<uint32_t>(conversations_.size()))];
    const bool as_client = random_.below(2) == 0;
    Peer& peer = as_client ? chosen.client : chosen.backend;
    Speaker& speaker = as_client ? chosen.client_said : chosen.backend_said;
    Speaker& other = as_client ? chosen.backend_said : chosen.client_said;
    if (action <= 8) {
      write(peer, speaker);
    } else if (action <= 13) {
      if (peer.open()) read(peer, other, 1 + random_.below(200000));
    } else if (action == 14) {
      half_close(peer, speaker);
    } else if (action == 15 && random_.below(4) == 0) {
      reset(peer, speaker);
    } else if (action == 16) {
      kite_.loop.clock.advance(std::chrono::milliseconds(random_.below(2000)));
    } else {
      kite_.loop.turn(1 + static_cast<int>(random_.below(4)));
    }
  }

  void write(Peer& peer, Speaker& speaker) {
    if (!peer.open() || speaker.finished) return;
    const uint32_t size_class = random_.below(4);
    const uint32_t size = 1 + random_.below(size_class == 0   ? 4
                                            : size_class == 1 ? 2000
                                                              : kWriteMax);
    const std::string_view data = noise().substr(random_.below(kBeginnings), size);
    const size_t taken = peer.write_some(data);
    if (taken > 0) speaker.on_the_way.push_back(data.substr(0, taken));
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

  static void read(Peer& peer, Speaker& other, size_t bytes_max) {
    peer.read_some(bytes_max, [&other](std::string_view data) { other.reached(data); });
  }

  /// What is written: pieces of this, which are known apart by where they begin.
  static std::string_view noise() {
    static const std::string bytes = pattern(kBeginnings + kWriteMax);
    return bytes;
  }

  /// Ends both streams; without a reset all that was sent must arrive, and FIN must follow it.
  void finish(Conversation& conversation) {
    half_close(conversation.client, conversation.client_said);
    half_close(conversation.backend, conversation.backend_said);
    const bool was_reset = conversation.client_said.reset || conversation.backend_said.reset;
    CHECK(kite_.run_with_time_until([&] {
      return ended(conversation.client, conversation.backend_said) &
             ended(conversation.backend, conversation.client_said);
    }));
    if (was_reset) return;
    CHECK(conversation.client_said.on_the_way.empty());
    CHECK(conversation.backend_said.on_the_way.empty());
    CHECK(conversation.client.saw_eof());
    CHECK(conversation.backend.saw_eof());
  }

  static bool ended(Peer& peer, Speaker& other) {
    if (peer.open()) read(peer, other, SIZE_MAX);
    return !peer.open() || peer.saw_eof() || peer.saw_reset();
  }

  sys::Random& random_;
  ProxyHarness kite_;
  int send_buffer_bytes_;
  int segment_bytes_;
  PeerListener listener_;
  std::vector<Conversation> conversations_;
};

}  // namespace kite::testing
