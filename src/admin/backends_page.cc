#include "admin/backends_page.h"

#include <optional>

#include "admin/escaping.h"
#include "admin/health.h"
#include "sys/json_writer.h"

namespace kite::admin {

namespace {

/// null when there is none.
void write_seconds(sys::JsonWriter& out, std::string_view name,
                   std::optional<sys::Duration> value) {
  std::string text;
  if (value) append_seconds(text, *value);
  out.literal(name, value ? text : "null");
}

void write_port(sys::JsonWriter& out, const proxy::PortStats& port) {
  const proxy::ProxyStats& counters = port.counters;
  out.open('{');
  out.number("listen_port", port.listen_port);
  out.number("container_port", port.container_port);
  out.number("connections", port.connections);
  out.number("accepted_total", counters.accepted_total);
  out.number("without_backend_total", counters.no_backend_total);
  out.number("unserved_total", counters.unserved_total);
  out.number("connect_failures_total", counters.connect_failures_total);
  out.number("retries_total", counters.retries_total);
  out.number("tunnels_opened_total", counters.tunnels_opened_total);
  out.number("client_to_backend_bytes_total", counters.client_to_backend_bytes_total);
  out.number("backend_to_client_bytes_total", counters.backend_to_client_bytes_total);
  out.close('}');
}

void write_backend(sys::JsonWriter& out, const BackendRow& backend, sys::SteadyTime now) {
  const bool timed = backend.state == proxy::BackendState::ejected ||
                     backend.state == proxy::BackendState::slow_start;
  out.open('{');
  out.text("address", backend.endpoint.text());
  out.number("container_port", backend.container_port);
  out.text("task", backend.task);
  out.text("zone", backend.zone);
  backend.health.empty() ? out.literal("health", "null") : out.text("health", backend.health);
  out.text("state", proxy::backend_state_name(backend.state));
  write_seconds(out, "state_ends_in_seconds",
                timed ? std::optional(backend.until - now) : std::nullopt);
  out.number("connections", backend.connections);
  out.number("connections_total", backend.counters.connections_total);
  out.number("connect_failures_total", backend.counters.connect_failures_total);
  out.number("early_resets_total", backend.counters.early_resets_total);
  out.number("client_to_backend_bytes_total", backend.counters.client_to_backend_bytes);
  out.number("backend_to_client_bytes_total", backend.counters.backend_to_client_bytes);
  out.close('}');
}

void write_target(sys::JsonWriter& out, const TargetView& target, sys::SteadyTime now) {
  const auto since = [&](const std::optional<sys::SteadyTime>& time) {
    return time ? std::optional(now - *time) : std::nullopt;
  };
  const auto until = [&](const std::optional<sys::SteadyTime>& time) {
    return time ? std::optional(std::max(*time - now, sys::Duration{})) : std::nullopt;
  };
  out.open('{');
  out.text("name", target.name);
  out.text("cluster", target.cluster);
  out.truth("known", target.snapshot != nullptr);
  write_seconds(out, "snapshot_age_seconds", since(target.discovery.last_complete));
  write_seconds(out, "next_poll_in_seconds", until(target.discovery.next_poll));
  out.truth("throttled", target.discovery.throttled);
  out.key("ports");
  out.open('[');
  for (const proxy::PortStats& port : target.ports) write_port(out, port);
  out.close(']');
  out.number("backends_total", target.backends_total);
  out.key("backends");
  out.open('[');
  for (const BackendRow& backend : target.backends) write_backend(out, backend, now);
  out.close(']');
  out.close('}');
}

}  // namespace

std::string backends_page(const View& view) {
  const Readiness readiness = judge_readiness(view);
  sys::JsonWriter out;
  out.open('{');
  out.text("version", view.version);
  out.truth("ready", readiness.ready);
  out.text("reason", readiness.reason);
  out.truth("draining", view.draining);
  out.number("connections", view.connections);
  out.key("targets");
  out.open('[');
  for (const TargetView& target : view.targets) write_target(out, target, view.now);
  out.close(']');
  out.close('}');
  return out.take() + "\n";
}

}  // namespace kite::admin
