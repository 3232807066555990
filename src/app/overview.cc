#include "app/overview.h"

#include <string>
#include <utility>
#include <vector>

namespace kite::app {

namespace {

admin::ServiceView service_view(std::string_view name, const aws::SignedCaller& caller) {
  admin::ServiceView view;
  view.name = name;
  view.calls = caller.api_stats();
  view.attempts_total = caller.stats().attempts;
  view.throttled_attempts_total = caller.stats().throttled_attempts;
  view.retry_quota = caller.quota_available();
  return view;
}

}  // namespace

Overview::Overview(const Sources& sources)
    : sources_(sources), started_(sources.clock.steady_now()) {}

admin::View Overview::view(admin::BackendDetail detail) const {
  admin::View view;
  view.version = KITE_VERSION;
  view.now = sources_.reactor.now();
  view.wall_now = sources_.clock.wall_now();
  view.started = started_;
  view.draining = draining_;
  for (const auto& upstream : sources_.upstreams) view.targets.push_back(target_view(*upstream));
  add_backends(view, detail);
  add_services(view);
  view.connections = sources_.budget.open();
  view.connections_max = sources_.budget.most();
  view.pipes = {sources_.pipes.lent(), sources_.pipes.idle(), sources_.pipes.created_total(),
                sources_.pipes.refused_total()};
  view.process = process_.usage();
  view.reactor = sources_.reactor.stats();
  view.admin = sources_.server.stats();
  view.log_lines_suppressed_total = sources_.log.suppressed_total();
  view.access_log_lines_dropped_total = sources_.log.access_lines_dropped_total();
  return view;
}

admin::TargetView Overview::target_view(const Upstream& upstream) const {
  admin::TargetView view;
  view.name = upstream.name();
  view.cluster = upstream.target().cluster;
  view.snapshot = upstream.snapshot();
  view.proxy = upstream.proxy().stats();
  view.ports = upstream.proxy().port_stats();
  if (upstream.discovery() != nullptr) view.discovery = upstream.discovery()->stats();
  return view;
}

void Overview::add_backends(admin::View& view, admin::BackendDetail detail) const {
  std::vector<proxy::BackendView> backends;
  size_t shown = 0;
  sources_.backends.view(view.now, backends);
  for (proxy::BackendView& backend : backends) {
    if (backend.target >= view.targets.size()) continue;
    admin::TargetView& target = view.targets[backend.target];
    ++target.backends_total;
    if (proxy::is_given_connections(backend.state)) ++target.backends_given;
    if (detail == admin::BackendDetail::counted || shown >= admin::kBackendsShownMax) continue;
    ++shown;
    const discovery::DiscoveryLoop* discovery = sources_.upstreams[backend.target]->discovery();
    const bool with_health = detail == admin::BackendDetail::with_health && discovery != nullptr;
    const std::string_view health =
        with_health ? discovery->health_of(backend.task) : std::string_view();
    target.backends.push_back({std::move(backend), std::string(health)});
  }
  view.ejections = sources_.backends.stats();
  for (size_t index = 0; index < view.targets.size(); ++index) {
    admin::TargetView& target = view.targets[index];
    for (const proxy::PortStats& port : target.ports) {
      target.ejections_total[port.container_port] =
          sources_.backends.ejections_total({static_cast<uint16_t>(index), port.container_port});
    }
  }
}

void Overview::add_services(admin::View& view) const {
  const aws::Access& aws = sources_.aws;
  if (!aws.is_open()) return;
  view.region = aws.region().name;
  view.services.push_back(service_view("ecs", aws.ecs_caller()));
  view.services.push_back(service_view("ec2", aws.ec2_caller()));
  view.services.push_back(service_view("servicediscovery", aws.cloud_map_caller()));
  view.credentials.source = aws.credentials().source_name();
  view.credentials.at_hand = aws.credentials().has_any();
  view.credentials.expiry = aws.credentials().expiry();
  view.credentials.fetches_total = aws.credentials().stats().fetches;
  view.credentials.failures_total = aws.credentials().stats().failures;
}

}  // namespace kite::app
