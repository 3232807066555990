#include "cli/one_shot_command.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "discovery/cloud_map_cycle.h"
#include "discovery/inventory.h"
#include "http/proxy_rules.h"

namespace kite::cli {

namespace {

/// Takes the one result of a cycle.
struct ResultKeeper {
  void on_done(const discovery::CycleResult& result) { kept = result; }
  std::optional<discovery::CycleResult> kept;
};

/// The answer of a command is its output; its log speaks only of trouble, unless more is asked for.
sys::LogLevel quieter(sys::LogLevel level) {
  return level == sys::LogLevel::info ? sys::LogLevel::warn : level;
}

}  // namespace

void print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

int fail_command(const sys::Error& error) {
  print(stderr, "ecs-task-kite: " + error.message + "\n");
  return 1;
}

discovery::Target discovery_target(const TargetConfig& config) {
  discovery::Target target{.cluster = config.cluster,
                           .family = config.family,
                           .revision = config.revision,
                           .service = config.service,
                           .namespace_name = config.namespace_name,
                           .container = config.name,
                           .ports = {},
                           .use_public_addresses = config.use_public_addresses,
                           .tags = {},
                           .primary_deployment_only = config.primary_deployment_only};
  for (const TaskTag& tag : config.tags) target.tags.push_back({tag.key, tag.value});
  for (const PortMapping& port : config.ports) {
    // Two listening ports may lead to one container port.
    if (std::ranges::find(target.ports, port.container) == target.ports.end()) {
      target.ports.push_back(port.container);
    }
  }
  return target;
}

aws::Access::Wishes aws_wishes(const Config& config) {
  return {.region = config.region,
          .endpoint_ecs = config.endpoint_ecs,
          .endpoint_ec2 = config.endpoint_ec2,
          .assume_role = config.assume_role,
          .external_id = config.external_id};
}

http::CurlClient::Options http_options(const aws::Settings& settings) {
  http::CurlClient::Options options;
  if (const auto path = settings.get("AWS_CA_BUNDLE", "ca_bundle")) options.ca_bundle = path->text;
  if (const auto proxies = http::ProxyRules::read(settings.environment()); proxies.ok()) {
    options.proxies = *proxies;
  }
  return options;
}

OneShot::OneShot(const Config& config, const aws::Settings& settings,
                 const aws::InstanceMetadataPlan& metadata_plan)
    : settings_(settings),
      log_(clock_, stderr_, {.level = quieter(config.log_level), .format = config.log_format}),
      random_(sys::seed_from_kernel()),
      reactor_(clock_),
      http_(reactor_, http_options(settings)),
      aws_({settings_, http_, clock_, random_, log_}, metadata_plan, aws_wishes(config)) {}

std::optional<sys::Error> OneShot::open(Until until) {
  std::optional<sys::Result<sys::Done>> opened;
  aws_.open([&](const sys::Result<sys::Done>& result) { opened = result; });
  if (!run_until([&] { return opened.has_value(); }, until)) {
    aws_.cancel();
    return sys::Error{"the region was not found out in time; give -region or AWS_REGION"};
  }
  if (!opened->ok()) return opened->error();
  return std::nullopt;
}

discovery::CycleResult OneShot::discover(const discovery::Target& target) {
  return std::move(*discover(target, std::nullopt));
}

std::optional<discovery::CycleResult> OneShot::discover(const discovery::Target& target,
                                                        Until until) {
  discovery::Inventory inventory;
  ResultKeeper keeper;
  const auto on_done = discovery::DiscoverySource::OnDone::to<&ResultKeeper::on_done>(&keeper);
  std::unique_ptr<discovery::DiscoverySource> source;
  if (target.namespace_name.empty()) {
    discovery::DiscoveryCycle::Options options;
    options.target = target;
    source = std::make_unique<discovery::DiscoveryCycle>(reactor_, aws_.ecs(), aws_.ec2(),
                                                         inventory, std::move(options), on_done);
  } else {
    source = std::make_unique<discovery::CloudMapCycle>(
        reactor_, aws_.cloud_map(), discovery::CloudMapCycle::Options{.target = target}, on_done);
  }
  source->start({});
  run_until([&] { return keeper.kept.has_value(); }, until);
  return std::move(keeper.kept);  // a poll that is not over ends with its source
}

bool OneShot::run_until(const std::function<bool()>& done, Until until) {
  constexpr sys::Duration kTurnMax = std::chrono::seconds(1);
  while (!done()) {  // ends: by what is waited for, or by the clock
    if (until && reactor_.now() >= *until) return false;
    reactor_.run_turn(until ? std::min(kTurnMax, *until - reactor_.now()) : kTurnMax);
  }
  return true;
}

}  // namespace kite::cli
