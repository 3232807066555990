#include "tests/fleet/fleet_kite.h"

#include <algorithm>

namespace kite::fleet {

namespace {

aws::SignedCaller::Target target(aws::Service service, const std::string& host) {
  return {service, "eu-west-1", {"https://" + host + "/", host, "/"}};
}

discovery::DiscoveryLoop::Options loop_options(size_t service, bool cloud_map) {
  discovery::DiscoveryLoop::Options options;
  discovery::Target& target = options.cycle.target;
  target.cluster = cloud_map ? "" : "fleet";
  target.namespace_name = cloud_map ? "fleet" : "";
  target.service = Cluster::service_name(service);
  target.container = cloud_map ? "" : "app";
  options.poll = discovery::default_poll(target);
  return options;
}

bool holds(const snapshot::Snapshot& set, const std::string& task_id) {
  return std::any_of(set.tasks().begin(), set.tasks().end(),
                     [&](const snapshot::BackendTask& task) { return task.id == task_id; });
}

}  // namespace

std::unique_ptr<aws::Call> FixedCredentials::get(bool force_refresh,
                                                 aws::OnCredentials on_credentials) {
  static_cast<void>(force_refresh);
  static_cast<void>(on_credentials);
  return nullptr;  // nobody asks: keys are always at hand and never refused
}

FleetKite::FleetKite(const Deps& deps, uint64_t seed, size_t service)
    : deps_(deps),
      service_(service),
      random_(seed),
      wire_(deps.cloud,
            [this] { descriptions_.note(deps_.cloud.reactor().now(), deps_.measure_from); }),
      ecs_caller_(target(aws::Service::ecs, "ecs.eu-west-1.amazonaws.com"), wire_, credentials_,
                  deps.clock, random_),
      ec2_caller_(target(aws::Service::ec2, "ec2.eu-west-1.amazonaws.com"), wire_, credentials_,
                  deps.clock, random_),
      cloud_map_caller_(target(aws::Service::cloud_map, "servicediscovery.eu-west-1.amazonaws.com"),
                        wire_, credentials_, deps.clock, random_),
      ecs_(ecs_caller_),
      ec2_(ec2_caller_),
      cloud_map_(cloud_map_caller_),
      loop_(loop_deps(cell_), loop_options(service, deps.cloud_map)) {
  cell_.subscribe([this](const snapshot::SnapshotPtr& set) { on_publish(*set); });
  for (size_t i = 1; i < deps.targets; ++i) {
    further_.push_back(std::make_unique<Further>());
    Further& further = *further_.back();
    further.loop = std::make_unique<discovery::DiscoveryLoop>(
        loop_deps(further.cell), loop_options((service + i) % deps.services, deps.cloud_map));
  }
}

discovery::DiscoveryLoop::Deps FleetKite::loop_deps(snapshot::SnapshotCell& cell) {
  return {.reactor = deps_.cloud.reactor(),
          .ecs = ecs_,
          .ec2 = ec2_,
          .cell = cell,
          .random = random_,
          .logger = deps_.logger,
          .cloud_map = &cloud_map_,
          .siblings = deps_.share ? &siblings_ : nullptr};
}

void FleetKite::start() {
  loop_.start();
  for (const auto& further : further_) further->loop->start();
}

void FleetKite::on_publish(const snapshot::Snapshot& set) {
  const sys::SteadyTime now = deps_.cloud.reactor().now();
  if (stats().cycles_complete > complete_before_) polls_.note(now, deps_.measure_from);
  complete_before_ = stats().cycles_complete;
  if (!first_set_at_) first_set_at_ = now;
  for (; arrivals_seen_ < deps_.arrivals.size(); ++arrivals_seen_) {
    if (deps_.arrivals[arrivals_seen_].service == service_) unheard_.push_back(arrivals_seen_);
  }
  std::erase_if(unheard_, [&](size_t index) {
    Arrival& arrival = deps_.arrivals[index];
    if (!holds(set, arrival.task_id)) return false;
    arrival.heard_after.push_back(now - arrival.at);
    return true;
  });
}

void FleetKite::close_gaps() {
  const sys::SteadyTime now = deps_.cloud.reactor().now();
  polls_.note(now, deps_.measure_from);
  descriptions_.note(now, deps_.measure_from);
}

}  // namespace kite::fleet
