#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "proxy/bulk_reads.h"
#include "proxy/proxy.h"
#include "sys/log.h"
#include "tests/support/kept_log.h"
#include "tests/support/loop_harness.h"
#include "tests/support/peer.h"
#include "tests/support/scripted_random.h"

namespace kite::testing {

/// A whole data path on loopback: publish backends, connect clients, look at both ends.
struct ProxyHarness {
  static constexpr uint16_t kContainerPort = 8080;

  /// How backends are judged and chosen.
  struct Setup {
    proxy::BackendTable::Options backends;
    proxy::Balancer::Options balance;
  };

  explicit ProxyHarness(proxy::Proxy::Options options = default_options(),
                        sys::PipePool::Limits pipe_limits = {}, size_t connections_max = 1000,
                        const Setup& setup = {})
      : pipes(pipe_limits),
        budget(connections_max),
        log(loop.clock, lines, {.level = sys::LogLevel::debug, .lines_per_second_max = 100000}),
        backends(setup.backends, random, log),
        balancer(backends, random, setup.balance),
        proxy({loop.reactor, resources, budget, cell, balancer, log, inherited}, std::move(options),
              [this] { ++troubles; }) {
    proxy.start();
  }
  ~ProxyHarness() {
    proxy.stop();
    loop.turn(5);  // what was retired is destroyed before the census
  }

  /// Port 0 as listening port: the kernel chooses, the log line tells which.
  static proxy::Proxy::Options default_options() {
    proxy::Proxy::Options options;
    options.hold.wait = sys::Duration::zero();
    options.ports = {{0, kContainerPort}};
    options.bind = sys::Endpoint::parse("127.0.0.1", 0).value();
    return options;
  }

  /// Ports are those that are published.
  static proxy::Proxy::Options discovering_options() {
    proxy::Proxy::Options options = default_options();
    options.ports.clear();
    return options;
  }

  void publish(const std::vector<sys::Endpoint>& endpoints, uint16_t container = kContainerPort) {
    snapshot::PortBackends port{container, {}};
    std::vector<snapshot::BackendTask> tasks;
    for (const sys::Endpoint& endpoint : endpoints) {
      port.backends.push_back({endpoint, static_cast<uint32_t>(tasks.size())});
      tasks.push_back({"task-" + endpoint.text(), ""});
    }
    cell.publish(std::make_shared<const snapshot::Snapshot>(
        std::move(tasks), std::vector<snapshot::PortBackends>{std::move(port)}));
  }

  /// Where the proxy listens, read from its "listening" lines, in the order they came.
  std::vector<sys::Endpoint> entrances() const {
    constexpr std::string_view kAddress = "address=127.0.0.1:";
    std::vector<sys::Endpoint> found;
    for (const std::string& line : lines.lines) {
      const size_t at = line.find(kAddress);
      if (line.find("event=listening") == std::string::npos || at == std::string::npos) continue;
      const int port = std::atoi(line.c_str() + at + kAddress.size());
      found.push_back(sys::Endpoint::parse("127.0.0.1", static_cast<uint16_t>(port)).value());
    }
    return found;
  }
  /// The last of them.
  sys::Endpoint entrance() const {
    const auto all = entrances();
    return all.empty() ? sys::Endpoint() : all.back();
  }

  /// As run_until(), with logical time going by: for what ends by a timer.
  template <typename Condition>
  [[nodiscard]] bool run_with_time_until(Condition condition) {
    return loop.run_until([&] {
      loop.clock.advance(std::chrono::milliseconds(5));
      return condition();
    });
  }

  /// A client joined to what it reaches at `listener`.
  struct Pair {
    Peer client;
    Peer backend;
  };
  Pair connect_through(PeerListener& listener, int segment_bytes = 0) {
    Pair pair{Peer::connect(entrance(), 0, segment_bytes), {}};
    const bool joined = loop.run_until([&] {
      if (!pair.backend.open()) pair.backend = listener.accept();
      return pair.backend.open() && proxy.stats().tunnels_opened_total > opened_before;
    });
    CHECK(joined);
    opened_before = proxy.stats().tunnels_opened_total;
    return pair;
  }

  LoopHarness loop;
  KeptLines lines;
  sys::PipePool pipes;
  std::array<std::byte, 65536> copy_buffer{};
  proxy::BulkReads bulk_reads{loop.reactor};
  proxy::RelayResources resources{pipes, copy_buffer, bulk_reads};
  proxy::ConnectionBudget budget;
  sys::InheritedSockets inherited;
  snapshot::SnapshotCell cell;
  ScriptedRandom random;
  sys::Logger log;
  proxy::BackendTable backends;
  proxy::Balancer balancer;
  proxy::Proxy proxy;
  int troubles = 0;
  uint64_t opened_before = 0;
};

}  // namespace kite::testing
