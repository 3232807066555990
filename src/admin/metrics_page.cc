#include "admin/metrics_page.h"

#include <array>
#include <vector>

#include "admin/health.h"
#include "admin/metric_tables.h"
#include "admin/metrics_writer.h"

namespace kite::admin {

namespace {

/// Labels of one thing that has numbers, with the texts they refer to.
struct LabelSet {
  std::vector<Label> labels;

  Labels with(const Label& label) {
    if (extended) labels.pop_back();
    extended = !label.name.empty();
    if (extended) labels.push_back(label);
    return labels;
  }
  bool extended = false;
};

template <typename Stats>
void write_row(MetricsWriter& out, const MetricRow<Stats>& row, LabelSet& set, const Stats& stats) {
  out.begin(row.family);
  out.sample(set.with(row.label), stats.*row.member);
}

/// What exists once.
template <typename Stats, size_t kRows>
void write_single(MetricsWriter& out, const std::array<MetricRow<Stats>, kRows>& rows,
                  const Stats& stats) {
  LabelSet none;
  for (const MetricRow<Stats>& row : rows) write_row(out, row, none, stats);
}

void write_value(MetricsWriter& out, const MetricFamily& family, uint64_t value) {
  out.begin(family);
  out.sample({}, value);
}

void write_value(MetricsWriter& out, const MetricFamily& family, sys::Duration value) {
  out.begin(family);
  out.sample({}, value);
}

struct PortEntry {
  const proxy::PortStats* stats;
  std::string port;
  LabelSet set;
};

std::vector<PortEntry> port_entries(const View& view) {
  std::vector<PortEntry> entries;
  for (const TargetView& target : view.targets) {
    for (const proxy::PortStats& port : target.ports) {
      PortEntry& entry =
          entries.emplace_back(PortEntry{&port, std::to_string(port.listen_port), {}});
      entry.set.labels = {{"target", target.name}, {"port", {}}};
    }
  }
  for (PortEntry& entry : entries) entry.set.labels[1].value = entry.port;  // they move no more
  return entries;
}

void write_ports(MetricsWriter& out, const View& view) {
  std::vector<PortEntry> entries = port_entries(view);
  for (const auto& row : kPortRows) {
    for (PortEntry& entry : entries) write_row(out, row, entry.set, entry.stats->counters);
  }
  constexpr MetricFamily kOpen{"kite_connections_open",
                               "Clients connected now, those that wait for a backend included.",
                               gauge};
  constexpr MetricFamily kConnectTimes{"kite_connect_duration_seconds",
                                       "How long connecting to a backend took when it worked.",
                                       histogram};
  constexpr MetricFamily kTunnelTimes{"kite_tunnel_duration_seconds",
                                      "How long tunnels lasted, from accept to end.", histogram};
  for (PortEntry& entry : entries) {
    out.begin(kOpen);
    out.sample(entry.set.with({}), entry.stats->connections);
  }
  for (PortEntry& entry : entries) {
    out.begin(kConnectTimes);
    out.histogram(entry.set.with({}), entry.stats->connect_times.read());
  }
  for (PortEntry& entry : entries) {
    out.begin(kTunnelTimes);
    out.histogram(entry.set.with({}), entry.stats->tunnel_times.read());
  }
}

void write_ejections(MetricsWriter& out, const View& view) {
  for (const TargetView& target : view.targets) {
    for (const auto& [container_port, count] : target.ejections_total) {
      const std::string port = std::to_string(container_port);
      const std::array labels = {Label{"target", target.name}, Label{"container_port", port}};
      out.begin({"kite_ejections_total", "Times a backend was left out after failures.", counter});
      out.sample(labels, count);
    }
  }
  write_single(out, kEjectionRows, view.ejections);
}

struct BackendEntry {
  const proxy::BackendView* backend;
  std::string port;
  std::string address;
  LabelSet set;
};

std::vector<BackendEntry> backend_entries(const View& view) {
  std::vector<BackendEntry> entries;
  for (const TargetView& target : view.targets) {
    for (const proxy::BackendView& backend : target.backends) {
      BackendEntry& entry = entries.emplace_back(BackendEntry{
          &backend, std::to_string(backend.container_port), backend.endpoint.text(), {}});
      entry.set.labels = {{"target", target.name},
                          {"container_port", {}},
                          {"backend", {}},
                          {"task", backend.task},
                          {"zone", backend.zone}};
    }
  }
  for (BackendEntry& entry : entries) {
    entry.set.labels[1].value = entry.port;
    entry.set.labels[2].value = entry.address;
  }
  return entries;
}

void write_backends(MetricsWriter& out, const View& view) {
  std::vector<BackendEntry> entries = backend_entries(view);
  constexpr MetricFamily kConnections{"kite_backend_connections", "Connections to the backend now.",
                                      gauge};
  constexpr MetricFamily kUp{
      "kite_backend_up", "1 while the backend is given connections, 0 while it is ejected.", gauge};
  for (BackendEntry& entry : entries) {
    out.begin(kConnections);
    out.sample(entry.set.with({}), uint64_t{entry.backend->connections});
  }
  for (BackendEntry& entry : entries) {
    out.begin(kUp);
    out.sample(entry.set.with({}), uint64_t{proxy::is_given_connections(entry.backend->state)});
  }
  for (const auto& row : kBackendRows) {
    for (BackendEntry& entry : entries) write_row(out, row, entry.set, entry.backend->counters);
  }
}

LabelSet label_of(const TargetView& target) {
  return {{{"target", target.name}}};
}

/// A gauge of every target that `value` gives something for.
template <typename Value>
void write_gauge(MetricsWriter& out, const View& view, const MetricFamily& family, Value value) {
  for (const TargetView& target : view.targets) {
    const auto found = value(target);
    if (!found) continue;
    out.begin(family);
    out.sample(label_of(target).labels, *found);
  }
}

void write_snapshots(MetricsWriter& out, const View& view) {
  using Number = std::optional<uint64_t>;
  using Time = std::optional<sys::Duration>;
  write_gauge(out, view,
              {"kite_snapshot_backends", "Backends known, each address and port counted.", gauge},
              [](const TargetView& target) -> Number {
                return target.snapshot == nullptr ? 0 : target.snapshot->backend_count();
              });
  write_gauge(out, view, {"kite_snapshot_tasks", "Tasks that serve.", gauge},
              [](const TargetView& target) -> Number {
                return target.snapshot == nullptr ? 0 : target.snapshot->tasks().size();
              });
  write_gauge(out, view,
              {"kite_snapshot_age_seconds",
               "Time since a poll was answered in full; absent until one was.", gauge},
              [&view](const TargetView& target) -> Time {
                const auto& last = target.discovery.last_complete;
                return last ? Time(view.now - *last) : std::nullopt;
              });
  write_gauge(out, view,
              {"kite_poll_interval_seconds",
               "Time between polls before jitter; stretched while AWS throttles.", gauge},
              [](const TargetView& target) -> Time { return target.discovery.poll_interval; });
  write_gauge(out, view,
              {"kite_next_poll_seconds", "Time until the next poll; absent during one.", gauge},
              [&view](const TargetView& target) -> Time {
                const auto& next = target.discovery.next_poll;
                return next ? Time(std::max(*next - view.now, sys::Duration{})) : std::nullopt;
              });
  write_gauge(
      out, view, {"kite_throttled", "1 while polls are stretched because AWS throttles.", gauge},
      [](const TargetView& target) -> Number { return uint64_t{target.discovery.throttled}; });
}

void write_discovery(MetricsWriter& out, const View& view) {
  for (const auto& row : kDiscoveryRows) {
    for (const TargetView& target : view.targets) {
      LabelSet set = label_of(target);
      write_row(out, row, set, target.discovery);
    }
  }
  for (const TargetView& target : view.targets) {
    out.begin({"kite_poll_duration_seconds", "How long polls took.", histogram});
    out.histogram(label_of(target).labels, target.discovery.cycle_times.read());
  }
  for (const TargetView& target : view.targets) {
    out.begin(
        {"kite_tasks_excluded", "Tasks of the last poll that are no backends, by reason.", gauge});
    LabelSet set = label_of(target);
    for (const auto& excluded : target.discovery.excluded) {
      if (excluded.name.empty()) continue;
      out.sample(set.with({"reason", excluded.name}), excluded.count);
    }
  }
}

void write_calls(MetricsWriter& out, const View& view) {
  LabelSet set;
  for (const ServiceView& service : view.services) {
    for (const aws::ApiStats::Operation& operation : service.calls.operations()) {
      out.begin({"kite_api_calls_total", "Calls to AWS that ended, by how.", counter});
      set.labels = {{"operation", operation.name}};
      set.extended = false;
      out.sample(set.with({"result", "ok"}), operation.ok_total);
      for (size_t i = 0; i < operation.errors_total.size(); ++i) {
        if (operation.errors_total[i] == 0) continue;
        const auto error_class = static_cast<aws::ErrorClass>(i);
        out.sample(set.with({"result", aws::error_class_name(error_class)}),
                   operation.errors_total[i]);
      }
    }
  }
  for (const ServiceView& service : view.services) {
    for (const aws::ApiStats::Operation& operation : service.calls.operations()) {
      out.begin({"kite_api_call_duration_seconds",
                 "How long calls to AWS took, retries and pauses included.", summary});
      const Label label{"operation", operation.name};
      out.summary({&label, 1}, operation.ended_total(), operation.time);
    }
  }
}

void write_aws(MetricsWriter& out, const View& view) {
  write_calls(out, view);
  for (const auto& row : kServiceRows) {
    for (const ServiceView& service : view.services) {
      LabelSet set{{{"service", service.name}}};
      write_row(out, row, set, service);
    }
  }
  write_single(out, kCredentialsRows, view.credentials);
  if (!view.credentials.expiry) return;
  write_value(out,
              {"kite_credentials_expiry_timestamp_seconds",
               "When the credentials in use expire; absent when they do not.", gauge},
              sys::Duration(view.credentials.expiry->time_since_epoch()));
}

/// Every second power of two from 16 us to 1 s tells a fast loop from a slow one.
void write_turn_times(MetricsWriter& out, const event::Reactor::Stats& reactor) {
  constexpr size_t kFirst = 4;
  constexpr size_t kLast = 20;
  std::vector<sys::Duration> edges;
  std::vector<uint64_t> counts{0};
  const std::span<const uint64_t> turns = reactor.turn_times.buckets();
  for (size_t i = 0; i < turns.size(); ++i) {
    counts.back() += turns[i];
    if (i < kFirst || i > kLast || i % 2 != 0) continue;
    edges.push_back(std::chrono::microseconds(int64_t{1} << i));
    counts.push_back(0);
  }
  out.begin({"kite_reactor_turn_duration_seconds",
             "How long a turn of the loop worked: so long everybody else waited.", histogram});
  out.histogram({}, {edges, counts, reactor.turn_times.sum()});
}

void write_process(MetricsWriter& out, const View& view) {
  const sys::ProcessUsage& process = view.process;
  if (process.resident_bytes) {
    write_value(out, {"kite_process_resident_memory_bytes", "Memory in use.", gauge},
                *process.resident_bytes);
  }
  if (process.open_fds) {
    write_value(out, {"kite_process_open_fds", "Open descriptors.", gauge}, *process.open_fds);
  }
  write_value(out, {"kite_process_max_fds", "Descriptors that may be open at once.", gauge},
              process.fds_max);
  write_value(out, {"kite_process_cpu_seconds_total", "Processor time used.", counter},
              process.cpu_time);
  const sys::Duration age = view.now - view.started;
  write_value(out,
              {"kite_process_start_time_seconds", "When the program started, since 1970.", gauge},
              sys::Duration(view.wall_now.time_since_epoch()) - age);
}

}  // namespace

std::string metrics_page(const View& view) {
  MetricsWriter out;
  out.begin({"kite_build_info", "The program; the value is always 1.", gauge});
  const Label version{"version", view.version};
  out.sample({&version, 1}, uint64_t{1});
  write_value(out, {"kite_ready", "1 while /readyz says so.", gauge},
              uint64_t{judge_readiness(view).ready});
  write_single(out, kProgramRows, view);
  write_ports(out, view);
  for (const auto& row : kTargetRows) {
    for (const TargetView& target : view.targets) {
      LabelSet set = label_of(target);
      write_row(out, row, set, target.proxy);
    }
  }
  write_ejections(out, view);
  write_backends(out, view);
  write_snapshots(out, view);
  write_discovery(out, view);
  write_aws(out, view);
  write_single(out, kPipeRows, view.pipes);
  write_single(out, kReactorRows, view.reactor);
  write_turn_times(out, view.reactor);
  write_process(out, view);
  write_single(out, kAdminRows, view.admin);
  return out.take();
}

}  // namespace kite::admin
