#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "admin/view.h"

namespace kite::testing {

inline void add_backends(size_t backends, const std::string& zone, sys::SteadyTime until,
                         admin::TargetView& target) {
  std::vector<snapshot::BackendTask> tasks;
  snapshot::PortBackends set{8080, {}};
  for (size_t i = 0; i < backends; ++i) {
    const std::string digits = std::to_string(i);
    const std::string id = std::string(32 - digits.size(), "0123456789abcdef"[i % 16]) + digits;
    const auto endpoint =
        sys::Endpoint::parse("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1),
                             static_cast<uint16_t>(32768 + i))
            .value();
    tasks.push_back({id, zone});
    set.backends.push_back({endpoint, static_cast<uint32_t>(i)});
    admin::BackendRow backend;
    backend.container_port = 8080;
    backend.endpoint = endpoint;
    backend.task = id;
    backend.zone = zone;
    backend.state = static_cast<proxy::BackendState>(i % proxy::kBackendStates);
    backend.until = until;
    backend.health = i % 4 == 3 ? "UNKNOWN" : "HEALTHY";
    backend.connections = static_cast<uint32_t>(7 * i % 23);
    backend.counters = {1234 * i, 98'765'432 * i, 1'234'567 * i, i % 3, 0};
    target.backends.push_back(std::move(backend));
  }
  target.backends_total = target.backends.size();
  target.backends_given = static_cast<size_t>(
      std::count_if(target.backends.begin(), target.backends.end(),
                    [](const auto& each) { return proxy::is_given_connections(each.state); }));
  target.snapshot = std::make_shared<const snapshot::Snapshot>(
      std::move(tasks), std::vector<snapshot::PortBackends>{std::move(set)});
}

inline proxy::PortStats busy_port() {
  using namespace std::chrono_literals;
  proxy::PortStats port;
  port.listen_port = 80;
  port.container_port = 8080;
  port.connections = 57;
  port.counters.accepted_total = 12'345;
  port.counters.tunnels_opened_total = 12'340;
  port.counters.tunnels_finished_total = 12'200;
  port.counters.client_to_backend_bytes_total = 98'765'432;
  port.counters.backend_to_client_bytes_total = 9'876'543'210;
  port.connect_times.add(700us);
  port.tunnel_times.add(2s);
  return port;
}

/// What a busy kite's admin pages show, every kind of number among it.
inline admin::View busy_view(size_t backends = 5, const std::string& zone = "eu-west-1a") {
  using namespace std::chrono_literals;
  admin::View view;
  view.version = "1.2.3";
  view.now = sys::SteadyTime(10h);
  view.started = view.now - (3h + 5min);
  view.wall_now = sys::WallTime(std::chrono::sys_days(std::chrono::year(2026) / 3 / 4));
  view.region = "eu-west-1";
  view.connections = 57;
  view.connections_max = 32640;
  view.pipes = {3, 5, 12};
  view.process = {
      .resident_bytes = 3'523'215, .open_fds = 131, .fds_max = 65536, .cpu_time = 12'340ms};
  view.reactor.turns = 1000;
  view.reactor.events = 2000;
  for (int i = 1; i < 1000; ++i) view.reactor.turn_times.add(std::chrono::microseconds(i));
  view.credentials = {"container endpoint", true, view.wall_now + 5h, 2, 0};

  admin::ServiceView ecs{"ecs", {}, 130, 2, 488};
  for (int i = 0; i < 120; ++i) ecs.calls.count("ecs:ListTasks", std::nullopt, 12ms);
  ecs.calls.count("ecs:DescribeTasks", aws::ErrorClass::throttled, 900ms);
  view.services = {ecs, {"ec2", {}, 4, 0, 500}};

  admin::TargetView target;
  target.name = "service/orders/app";
  target.cluster = "prod";
  add_backends(backends, zone, view.now + 17s, target);
  const proxy::PortStats port = busy_port();
  target.proxy = port.counters;
  target.ports = {port};
  target.ejections_total = {{port.container_port, 6}};
  target.discovery.cycles_complete = 900;
  target.discovery.last_complete = view.now - 4s;
  target.discovery.next_poll = view.now + 9s;
  target.discovery.poll_interval = 20s;
  target.discovery.tasks_listed = backends + 2;
  target.discovery.cycle_times.add(30ms);
  target.discovery.excluded[0] = {"not_running", 2};
  view.targets = {target};
  return view;
}

}  // namespace kite::testing
