#include "app/upstream.h"

#include <algorithm>
#include <utility>

namespace kite::app {

namespace {

proxy::Proxy::Options proxy_options(const cli::Config& config, const cli::TargetConfig& target) {
  proxy::Proxy::Options options;
  for (const cli::PortMapping& port : target.ports) {
    options.ports.push_back({port.listen, port.container});
  }
  options.bind = target.bind;
  options.connect = {.attempt_timeout = config.connect_timeout,
                     .deadline = config.connect_deadline,
                     .retries = config.retries};
  return options;
}

discovery::DiscoveryLoop::Options discovery_options(const cli::Config& config,
                                                    const cli::TargetConfig& target) {
  discovery::DiscoveryLoop::Options options;
  options.cycle.target = {.cluster = target.cluster,
                          .family = target.family,
                          .revision = target.revision,
                          .service = target.service,
                          .container = target.name,
                          .ports = {},
                          .use_public_addresses = target.use_public_addresses,
                          .tags = {},
                          .primary_deployment_only = target.primary_deployment_only};
  for (const cli::TaskTag& tag : target.tags) {
    options.cycle.target.tags.push_back({tag.key, tag.value});
  }
  for (const cli::PortMapping& port : target.ports) {
    auto& ports = options.cycle.target.ports;
    // Two listening ports may lead to one container port.
    if (std::find(ports.begin(), ports.end(), port.container) == ports.end()) {
      ports.push_back(port.container);
    }
  }
  options.poll = {.low = config.poll.low, .high = config.poll.high};
  return options;
}

}  // namespace

Upstream::Upstream(const Deps& deps, const cli::Config& config, const cli::TargetConfig& target)
    : deps_(deps),
      config_(config),
      target_(target),
      balancer_(deps.random),
      proxy_({deps.reactor, deps.relay_resources, deps.budget, cell_, balancer_, deps.log},
             proxy_options(config, target), [this] { poll_soon(); }) {
  cell_.subscribe([this](const snapshot::SnapshotPtr&) { deps_.on_poll_finished(); });
}

void Upstream::start_discovery(aws::EcsApi& ecs, aws::Ec2Api& ec2) {
  const discovery::DiscoveryLoop::Deps deps{deps_.reactor, ecs,          ec2,
                                            cell_,         deps_.random, deps_.log};
  loop_ = std::make_unique<discovery::DiscoveryLoop>(deps, discovery_options(config_, target_));
  loop_->start();
  if (poll_wanted_) poll_soon();
}

void Upstream::stop() {
  loop_.reset();
  proxy_.stop();
}

bool Upstream::poll_soon() {
  poll_wanted_ = loop_ == nullptr;  // remembered for when discovery begins
  return poll_wanted_ || loop_->poll_soon();
}

}  // namespace kite::app
