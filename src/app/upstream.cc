#include "app/upstream.h"

#include <utility>

#include "cli/one_shot_command.h"
#include "discovery/target.h"

namespace kite::app {

namespace {

proxy::ProxyProtocol proxy_protocol(cli::ProxyProtocol version) {
  switch (version) {
    case cli::ProxyProtocol::off:
      return proxy::ProxyProtocol::off;
    case cli::ProxyProtocol::v1:
      return proxy::ProxyProtocol::v1;
    case cli::ProxyProtocol::v2:
      return proxy::ProxyProtocol::v2;
  }
  return proxy::ProxyProtocol::off;
}

/// Targets may differ in what their label leaves out, such as the cluster; metrics of one name
/// would be taken for one series.
std::string target_name(const cli::Config& config, size_t index) {
  const auto label_of = [&](size_t which) {
    return discovery::target_label(cli::discovery_target(config.targets[which]));
  };
  const std::string label = label_of(index);
  size_t namesakes = 1;
  for (size_t earlier = 0; earlier < index; ++earlier) {
    if (label_of(earlier) == label) ++namesakes;
  }
  return namesakes == 1 ? label : label + "#" + std::to_string(namesakes);
}

proxy::Proxy::Options proxy_options(const cli::Config& config, const cli::TargetConfig& target,
                                    const std::string& name) {
  proxy::Proxy::Options options;
  for (const cli::PortMapping& port : target.ports) {
    options.ports.push_back({port.listen, port.container});
  }
  options.bind = target.bind;
  options.connect = {.attempt_timeout = config.connect_timeout,
                     .deadline = config.connect_deadline,
                     .retries = config.retries,
                     .proxy_protocol = proxy_protocol(config.proxy_protocol)};
  options.hold.wait = config.hold;
  options.care = {.liveness = config.liveness,
                  .idle_timeout = config.idle_timeout,
                  .removed_grace = config.removed_grace};
  if (config.access_log) options.access_log_target = name;
  return options;
}

proxy::BalanceWay balance_way(cli::Balance balance) {
  switch (balance) {
    case cli::Balance::random:
      return proxy::BalanceWay::random;
    case cli::Balance::roundrobin:
      return proxy::BalanceWay::roundrobin;
    case cli::Balance::leastconn:
      return proxy::BalanceWay::leastconn;
    case cli::Balance::p2c:
      return proxy::BalanceWay::p2c;
  }
  return proxy::BalanceWay::random;
}

proxy::Balancer::Options balancer_options(const cli::Config& config, size_t index,
                                          const snapshot::OwnZone& own_zone) {
  return {.way = balance_way(config.targets[index].balance),
          .own_zone = config.zone_aware ? &own_zone : nullptr,
          .target = static_cast<uint16_t>(index)};
}

discovery::DiscoveryLoop::Options discovery_options(const cli::Config& config,
                                                    const cli::TargetConfig& target) {
  discovery::DiscoveryLoop::Options options;
  options.cycle.target = cli::discovery_target(target);
  options.poll = config.poll_given ? discovery::PollPacer::Range{config.poll.low, config.poll.high}
                                   : discovery::default_poll(options.cycle.target);
  return options;
}

}  // namespace

Upstream::Upstream(const Deps& deps, const cli::Config& config, size_t index)
    : deps_(deps),
      config_(config),
      index_(index),
      target_(config.targets[index]),
      name_(target_name(config, index)),
      balancer_(deps.backends, deps.random, balancer_options(config, index, deps.own_zone)),
      proxy_({deps.reactor, deps.relay_resources, deps.budget, cell_, balancer_, deps.log,
              deps.inherited},
             proxy_options(config, target_, name_), [this] { poll_soon(); }) {
  cell_.subscribe([this](const snapshot::SnapshotPtr&) { deps_.on_poll_finished(); });
}

std::string Upstream::cache_path() const {
  return index_ == 0 ? config_.cache : config_.cache + "." + std::to_string(index_ + 1);
}

void Upstream::start_discovery(aws::Access& aws) {
  discovery::DiscoveryLoop::Options options = discovery_options(config_, target_);
  if (!config_.cache.empty()) {
    cache_.emplace(discovery::SnapshotFile::Deps{deps_.clock, deps_.log},
                   discovery::SnapshotFile::Options{
                       cache_path(), target_identity(options.cycle.target, aws.region().name)});
  }
  const discovery::DiscoveryLoop::Deps deps{.reactor = deps_.reactor,
                                            .ecs = aws.ecs(),
                                            .ec2 = aws.ec2(),
                                            .cell = cell_,
                                            .random = deps_.random,
                                            .logger = deps_.log,
                                            .cache = cache_ ? &*cache_ : nullptr,
                                            .cloud_map = &aws.cloud_map(),
                                            .siblings = &deps_.siblings};
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
