#include "proxy/tunnel.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "sys/socket.h"
#include "tests/support/proxy_harness.h"

namespace kite::proxy {

using testing::Peer;
using testing::PeerListener;
using testing::ProxyHarness;

TEST_CASE("tunnel: the verdict over all facts") {
  struct Row {
    TunnelFacts facts;
    CloseReason expected;
  };
  const Row rows[] = {
      {{false, false, false, false}, CloseReason::none},
      {{false, false, true, false}, CloseReason::none},
      {{false, false, false, true}, CloseReason::none},
      {{false, false, true, true}, CloseReason::finished},
      {{true, false, false, true}, CloseReason::none},
      {{true, false, true, true}, CloseReason::client_reset},
      {{false, true, true, false}, CloseReason::none},
      {{false, true, true, true}, CloseReason::backend_reset},
      {{true, true, true, true}, CloseReason::client_reset},
  };
  for (const Row& row : rows) CHECK(verdict(row.facts) == row.expected);
}

TEST_CASE("tunnel: states only move forward") {
  using State = Tunnel::State;
  const State all[] = {State::relaying, State::salvaging, State::closed};
  for (const State from : all) {
    for (const State to : all) {
      CHECK(Tunnel::may_become(from, to) == (static_cast<int>(from) < static_cast<int>(to)));
    }
  }
}

TEST_CASE("tunnel: bytes cross both ways and an idle tunnel holds no pipe") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  client.write("ping");
  CHECK(kite.loop.run_until([&] { return backend.read_some() + backend.received().size() >= 4; }));
  backend.write("pong");
  CHECK(kite.loop.run_until([&] { return client.read_some() + client.received().size() >= 4; }));
  CHECK(backend.received() == "ping");
  CHECK(client.received() == "pong");
  CHECK(kite.pipes.lent() == 0);
  client.close();
  backend.close();
}

TEST_CASE("tunnel: a client's half-close reaches the backend and the late answer arrives") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  client.write("question");
  client.shutdown_write();
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.saw_eof(); }));
  CHECK(backend.received() == "question");
  kite.loop.clock.advance(std::chrono::minutes(10));
  kite.loop.settle();
  backend.write("late answer");
  backend.close();
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_eof(); }));
  CHECK(client.received() == "late answer");
  CHECK(kite.proxy.stats().tunnels_finished_total == 1);
  CHECK(kite.proxy.connections() == 0);
}

TEST_CASE("tunnel: a backend's half-close reaches the client, which may go on sending") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  backend.write("banner");
  backend.shutdown_write();
  CHECK(kite.loop.run_until([&] { return client.read_some(), client.saw_eof(); }));
  CHECK(client.received() == "banner");
  client.write("still here");
  client.close();
  CHECK(kite.loop.run_until([&] { return backend.read_some(), backend.saw_eof(); }));
  CHECK(backend.received() == "still here");
}

TEST_CASE("tunnel: data and FIN sent before the backend was connected are delivered") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  Peer client = Peer::connect(kite.entrance());
  client.write("early");
  client.shutdown_write();
  Peer backend;
  CHECK(kite.loop.run_until([&] {
    if (!backend.open()) backend = listener.accept();
    if (backend.open()) backend.read_some();
    return backend.saw_eof();
  }));
  CHECK(backend.received() == "early");
}

TEST_CASE("tunnel: a client's reset reaches the backend as a reset, after the data before it") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  client.write("last words");
  kite.loop.settle();
  client.reset();
  CHECK(kite.run_with_time_until([&] { return backend.read_some(), backend.saw_reset(); }));
  CHECK(backend.received() == "last words");
  CHECK_FALSE(backend.saw_eof());
  CHECK(kite.proxy.stats().tunnels_reset_total == 1);
}

TEST_CASE("tunnel: a backend's reset reaches the client as a reset, not as an end") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  backend.write("half an ans");
  kite.loop.settle();
  backend.reset();
  CHECK(kite.run_with_time_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(client.received() == "half an ans");
  CHECK_FALSE(client.saw_eof());
}

TEST_CASE(
    "tunnel: what a backend sent before its reset is salvaged though the client reads later") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const std::string answer = testing::pattern(100000);
  backend.write(answer);
  backend.reset();  // both are in the kite's queue before it has a turn
  CHECK(kite.run_with_time_until([&] { return client.read_some(), client.saw_reset(); }));
  CHECK(client.received() == answer);
}

TEST_CASE("tunnel: a reset on one side ends a tunnel whose other side never reads") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const std::string data = testing::pattern(1 << 20);
  size_t sent = 0;
  for (int quiet_turns = 0; quiet_turns < 20;) {
    const size_t step = client.write_some(data);
    quiet_turns = step == 0 ? quiet_turns + 1 : 0;
    sent += step;
    kite.loop.settle(1);
  }
  CHECK(sent > 0);
  client.reset();
  kite.loop.settle();
  CHECK(kite.proxy.connections() == 1);  // the backend may still want what was sent
  kite.loop.clock.advance(Tunnel::kSalvageMax);
  kite.loop.settle();
  CHECK(kite.proxy.connections() == 0);
}

TEST_CASE("tunnel: a slow reader holds back the sender, and every byte arrives") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const std::string data = testing::pattern(64 << 20);
  size_t sent = 0;
  for (int quiet_turns = 0; quiet_turns < 50;) {
    const size_t step = client.write_some(std::string_view(data).substr(sent));
    quiet_turns = step == 0 ? quiet_turns + 1 : 0;
    sent += step;
    kite.loop.settle(1);
  }
  CHECK(sent < data.size());  // the kernel's buffers are full and the kite takes no more
  CHECK(kite.loop.run_until([&] {
    sent += client.write_some(std::string_view(data).substr(sent));
    if (sent == data.size()) client.shutdown_write();
    backend.read_some(1 << 20);
    return backend.saw_eof();
  }));
  CHECK((backend.received() == data));
  CHECK(kite.pipes.lent() == 0);
}

TEST_CASE(
    "tunnel: a reset waits until the survivor has what came before, however slowly it reads") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const std::string answer = testing::pattern(600000);  // more than one receive buffer
  size_t sent = 0;
  CHECK(kite.loop.run_until([&] {
    sent += backend.write_some(std::string_view(answer).substr(sent));
    return sent == answer.size();
  }));
  CHECK(kite.loop.run_until([&] { return sys::unacknowledged_bytes(backend.fd()) == 0; }));
  backend.reset();
  CHECK(kite.run_with_time_until([&] { return client.read_some(5000), client.saw_reset(); }));
  CHECK((client.received() == answer));
}

TEST_CASE("tunnel: an upload that was acknowledged survives the client's late reset") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const std::string upload = testing::pattern(600000);
  size_t sent = 0;
  CHECK(kite.loop.run_until([&] {
    sent += client.write_some(std::string_view(upload).substr(sent));
    return sent == upload.size();
  }));
  client.shutdown_write();
  CHECK(kite.loop.run_until([&] { return sys::unacknowledged_bytes(client.fd()) == 0; }));
  client.close();
  backend.write("+OK");  // nobody is there to hear it: the client's kernel answers with a reset
  CHECK(kite.run_with_time_until(
      [&] { return backend.read_some(5000), backend.saw_eof() || backend.saw_reset(); }));
  CHECK((backend.received() == upload));
}

TEST_CASE("tunnel: bytes behind a TCP urgent mark arrive, the urgent one in line") {
  for (const bool with_fin : {false, true}) {
    CAPTURE(with_fin);
    ProxyHarness kite;
    PeerListener listener;
    kite.publish({listener.endpoint()});
    auto [client, backend] = kite.connect_through(listener);
    client.write("before");
    CHECK(::send(client.fd(), "!", 1, MSG_OOB) == 1);
    client.write("after");
    if (with_fin) client.shutdown_write();
    CHECK(kite.loop.run_until([&] {
      backend.read_some();
      return backend.received().ends_with("after") && (!with_fin || backend.saw_eof());
    }));
    CHECK(backend.received() == "before!after");
    if (with_fin) continue;
    client.write(" and later");
    CHECK(kite.loop.run_until(
        [&] { return backend.read_some(), backend.received() == "before!after and later"; }));
  }
}

TEST_CASE("tunnel: small messages are copied, large ones spliced, in any order and to the byte") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  std::string sent;
  for (const size_t size : {size_t{1}, size_t{200}, size_t{4} << 20, size_t{1}, size_t{65536},
                            size_t{65535}, size_t{3} << 20, size_t{7}}) {
    const std::string message = testing::pattern(size);
    size_t written = 0;
    sent += message;
    CHECK(kite.loop.run_until([&] {
      written += client.write_some(std::string_view(message).substr(written));
      backend.read_some();
      return backend.received().size() == sent.size();
    }));
  }
  CHECK((backend.received() == sent));
  CHECK(kite.pipes.lent() == 0);
}

TEST_CASE("tunnel: a backend is probed for life once the tunnel has lived a while") {
  ProxyHarness kite;
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const auto is_probed = [&] {
    for (int fd = 0; fd < 1024; ++fd) {
      sockaddr_storage address{};
      socklen_t length = sizeof address;
      if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == -1) continue;
      if (sys::Endpoint::from_sockaddr(address) != listener.endpoint()) continue;
      int on = 0;
      length = sizeof on;
      REQUIRE(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &length) == 0);
      return on == 1;
    }
    return false;
  };
  CHECK_FALSE(is_probed());
  CHECK(kite.run_with_time_until(is_probed));
}

TEST_CASE("tunnel: stalled tunnels share a bounded number of pipes, and every byte arrives") {
  ProxyHarness kite(ProxyHarness::default_options(), {.pipes_max = 3});
  PeerListener listener;
  kite.publish({listener.endpoint()});
  struct Transfer {
    ProxyHarness::Pair pair;
    size_t sent = 0;
  };
  const std::string data = testing::pattern(12 << 20);
  std::vector<Transfer> transfers;
  for (int i = 0; i < 6; ++i) transfers.push_back({kite.connect_through(listener)});
  for (int turn = 0; turn < 200; ++turn) {  // nobody reads: every direction gets stuck
    for (Transfer& transfer : transfers) {
      transfer.sent +=
          transfer.pair.client.write_some(std::string_view(data).substr(transfer.sent));
    }
    kite.loop.settle(1);
    CHECK(kite.pipes.lent() <= 3);
  }
  for (Transfer& transfer : transfers) {
    CHECK(kite.loop.run_until([&] {
      transfer.sent +=
          transfer.pair.client.write_some(std::string_view(data).substr(transfer.sent));
      if (transfer.sent == data.size()) transfer.pair.client.shutdown_write();
      transfer.pair.backend.read_some();
      return transfer.pair.backend.saw_eof();
    }));
    CHECK((transfer.pair.backend.received() == data));
  }
}

TEST_CASE("tunnel: without any pipe to be had bytes are copied, and all arrive") {
  ProxyHarness kite(ProxyHarness::default_options(), {.pipes_max = 0});
  PeerListener listener;
  kite.publish({listener.endpoint()});
  auto [client, backend] = kite.connect_through(listener);
  const std::string data = testing::pattern(3 << 20);
  size_t sent = 0;
  CHECK(kite.loop.run_until([&] {
    sent += client.write_some(std::string_view(data).substr(sent));
    if (sent == data.size()) client.shutdown_write();
    backend.read_some();
    return backend.saw_eof();
  }));
  CHECK((backend.received() == data));
  CHECK(kite.pipes.created_total() == 0);
}

}  // namespace kite::proxy
