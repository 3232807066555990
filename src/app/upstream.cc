#include "app/upstream.h"

#include <algorithm>
#include <utility>

namespace kite::app {

namespace {

constexpr std::chrono::seconds kCloudMapPollHigh{12};

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
                          .namespace_name = target.namespace_name,
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
  // Cloud Map's budget is large enough for news to come sooner. DESIGN 39
  if (!target.namespace_name.empty() && !config.poll_given) options.poll.high = kCloudMapPollHigh;
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

std::string Upstream::cache_path() const {
  const auto index = &target_ - config_.targets.data();
  return index == 0 ? config_.cache : config_.cache + "." + std::to_string(index + 1);
}

void Upstream::start_discovery(AwsAccess& aws, const std::string& region) {
  discovery::DiscoveryLoop::Options options = discovery_options(config_, target_);
  if (!config_.cache.empty()) {
    cache_.emplace(discovery::SnapshotFile::Deps{deps_.clock, deps_.log},
                   discovery::SnapshotFile::Options{cache_path(),
                                                    target_identity(options.cycle.target, region)});
  }
  const discovery::DiscoveryLoop::Deps deps{.reactor = deps_.reactor,
                                            .ecs = aws.ecs,
                                            .ec2 = aws.ec2,
                                            .cell = cell_,
                                            .random = deps_.random,
                                            .logger = deps_.log,
                                            .cache = cache_ ? &*cache_ : nullptr,
                                            .cloud_map = &aws.cloud_map};
  loop_ = std::make_unique<discovery::DiscoveryLoop>(deps, std::move(options));
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
