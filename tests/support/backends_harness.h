#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/balancer.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_random.h"

namespace kite::testing {

/// A table of backends and one target's balancer, without sockets. Backend i of a set is at
/// 10.0.0.i+1.
template <typename Chance = ScriptedRandom>
struct BackendsHarness {
  static constexpr uint16_t kPort = 80;
  using Choice = proxy::Balancer::Choice;

  explicit BackendsHarness(const proxy::BackendTable::Options& table_options = {},
                           proxy::BalanceWay way = proxy::BalanceWay::random, Chance chance = {})
      : random(std::move(chance)),
        log(clock, lines, {}),
        table(table_options, random, log),
        balancer(table, random, {.way = way, .own_zone = &own_zone}) {}

  sys::SteadyTime now() const { return clock.steady_now(); }

  static sys::Endpoint endpoint(size_t number, uint16_t port = kPort) {
    const std::string address =
        "10.0." + std::to_string(number / 200) + "." + std::to_string(number % 200 + 1);
    return sys::Endpoint::parse(address, port).value();
  }
  static size_t number_of(const sys::Endpoint& endpoint) {
    size_t high = 0;
    size_t low = 0;
    REQUIRE(std::sscanf(endpoint.address_text().c_str(), "10.0.%zu.%zu", &high, &low) == 2);
    return high * 200 + low - 1;
  }

  /// A set of one task each on the ports given; zones by backend, none if there are fewer.
  static snapshot::SnapshotPtr set_of(const std::vector<size_t>& numbers,
                                      const std::vector<std::string>& zones = {},
                                      const std::vector<uint16_t>& ports = {kPort}) {
    std::vector<snapshot::BackendTask> tasks;
    std::vector<snapshot::PortBackends> entries;
    for (const uint16_t port : ports) entries.push_back({port, {}});
    for (size_t i = 0; i < numbers.size(); ++i) {
      tasks.push_back({"task-" + std::to_string(numbers[i]), i < zones.size() ? zones[i] : ""});
      for (size_t p = 0; p < ports.size(); ++p) {
        entries[p].backends.push_back({endpoint(numbers[i], ports[p]), static_cast<uint32_t>(i)});
      }
    }
    return std::make_shared<const snapshot::Snapshot>(std::move(tasks), std::move(entries));
  }
  static std::vector<size_t> up_to(size_t count) {
    std::vector<size_t> numbers;
    for (size_t i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
  }

  void follow(const snapshot::SnapshotPtr& set) { balancer.follow(set, now()); }

  std::optional<Choice> pick(const std::vector<sys::Endpoint>& tried = {}, uint16_t port = kPort) {
    return balancer.pick(port, tried, now());
  }
  /// The number of the backend that is picked.
  size_t pick_number(const std::vector<sys::Endpoint>& tried = {}) {
    const auto choice = pick(tried);
    return choice ? number_of(choice->endpoint) : SIZE_MAX;
  }
  /// How often each of `count` backends is picked in `picks`, connections ending at once.
  std::vector<size_t> spread(size_t count, size_t picks) {
    std::vector<size_t> counts(count);
    for (size_t i = 0; i < picks; ++i) ++counts.at(pick_number());
    return counts;
  }
  /// As spread(), the connections staying open.
  std::vector<size_t> spread_open(size_t count, size_t picks) {
    std::vector<size_t> counts(count);
    for (size_t i = 0; i < picks; ++i) ++counts.at(number_of(open(*pick()).endpoint));
    return counts;
  }

  /// A connection that is established and stays.
  Choice open(const Choice& choice) {
    table.begin_connection(choice.id, choice.probe);
    table.note_connected(choice.id, now());
    return choice;
  }
  void close(const Choice& choice) { close(choice, now()); }
  void close(const Choice& choice, sys::SteadyTime connected_at) {
    table.note_tunnel_end(
        choice.id,
        {.client_to_backend_bytes = 1, .backend_to_client_bytes = 1, .connected_at = connected_at},
        now());
    table.end_connection(choice.id);
  }
  /// With a reset that comes before a byte.
  void reset(const Choice& choice, sys::SteadyTime connected_at) {
    table.note_tunnel_end(choice.id, {.reset_by_backend = true, .connected_at = connected_at},
                          now());
    table.end_connection(choice.id);
  }
  void fail(const Choice& choice) {
    table.begin_connection(choice.id, choice.probe);
    table.note_connect_failed(choice.id, {.probe = choice.probe, .code = 111}, now());
    table.end_connection(choice.id);
  }
  /// The backend of that number, picked or not.
  Choice choice_of(size_t number, uint16_t port = kPort) {
    const sys::Endpoint wanted = endpoint(number, port);
    std::vector<sys::Endpoint> others;
    for (const proxy::BackendView& view : views()) {
      if (view.endpoint != wanted && view.container_port == port) others.push_back(view.endpoint);
    }
    return balancer.pick(port, others, now()).value();
  }
  void eject(size_t number, int failures = 3) {
    for (int i = 0; i < failures; ++i) fail(choice_of(number));
  }

  std::vector<proxy::BackendView> views() const {
    std::vector<proxy::BackendView> out;
    table.view(now(), out);
    return out;
  }
  proxy::BackendView view(size_t number, uint16_t port = kPort) const {
    for (const proxy::BackendView& view : views()) {
      if (view.endpoint == endpoint(number, port)) return view;
    }
    return {};
  }

  ManualClock clock;
  KeptLines lines;
  snapshot::OwnZone own_zone;  // unknown until a test learns it
  Chance random;
  sys::Logger log;
  proxy::BackendTable table;
  proxy::Balancer balancer;
};

}  // namespace kite::testing
