#include "app/app.h"

#include <algorithm>
#include <utility>

#include "aws/credentials_chain.h"
#include "aws/ec2_calls.h"
#include "aws/ecs_calls.h"
#include "aws/endpoints.h"
#include "aws/signed_call.h"
#include "discovery/discovery_loop.h"
#include "sys/heap.h"
#include "sys/socket.h"

namespace kite::app {

/// How the descriptor limit is shared out. What is not for connections is kept free for pipes, and
/// as much again for listeners, the API's connections and name resolution: slow clients must never
/// cost the kite its sight. DESIGN 8
struct App::DescriptorBudget {
  explicit DescriptorBudget(uint64_t descriptor_limit) {
    // Under a tight limit half is kept, so that there is always somebody to serve.
    const uint64_t reserved = std::min<uint64_t>(256, descriptor_limit / 2);
    connections_max = std::max<size_t>(1, (descriptor_limit - reserved) / 2);
    pipes_max = reserved / 4;
  }
  size_t connections_max;  ///< two descriptors each
  size_t pipes_max;        ///< two descriptors each; past it relays copy
};

namespace {

proxy::Proxy::Options proxy_options(const cli::Config& config, size_t connections_max) {
  proxy::Proxy::Options options;
  for (const cli::PortMapping& port : config.ports) {
    options.ports.push_back({port.listen, port.container});
  }
  options.bind = config.bind;
  options.connect = {.attempt_timeout = config.connect_timeout,
                     .deadline = config.connect_deadline,
                     .retries = config.retries};
  options.connections_max = connections_max;
  return options;
}

http::CurlClient::Options http_options(const sys::Environment& environment) {
  http::CurlClient::Options options;
  options.ca_bundle = environment.get_non_empty("AWS_CA_BUNDLE").value_or("");
  return options;
}

discovery::DiscoveryLoop::Options discovery_options(const cli::Config& config) {
  discovery::DiscoveryLoop::Options options;
  options.cycle.target = {.cluster = config.cluster,
                          .family = config.family,
                          .revision = config.revision,
                          .service = config.service,
                          .container = config.name,
                          .ports = {},
                          .use_public_addresses = config.use_public_addresses};
  for (const cli::PortMapping& port : config.ports) {
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

/// What can only be built once the region is known: the way from AWS to the snapshot cell.
struct App::Upstream {
  Upstream(App& app, aws::SignedCaller::Target ecs_target, aws::SignedCaller::Target ec2_target)
      : ecs_caller(std::move(ecs_target), app.http_, app.credentials_, app.clock_, app.random_),
        ec2_caller(std::move(ec2_target), app.http_, app.credentials_, app.clock_, app.random_),
        ecs(ecs_caller),
        ec2(ec2_caller),
        loop({app.reactor_, ecs, ec2, app.snapshots_, app.random_, app.log_},
             discovery_options(app.config_)) {}

  aws::SignedCaller ecs_caller;
  aws::SignedCaller ec2_caller;
  aws::EcsCalls ecs;
  aws::Ec2Calls ec2;
  discovery::DiscoveryLoop loop;
};

App::App(const cli::Config& config, const sys::Environment& environment,
         const aws::InstanceMetadataPlan& metadata_plan)
    : App(config, environment, metadata_plan, DescriptorBudget(sys::raise_descriptor_limit())) {}

App::App(const cli::Config& config, const sys::Environment& environment,
         const aws::InstanceMetadataPlan& metadata_plan, const DescriptorBudget& budget)
    : config_(config),
      environment_(environment),
      log_(clock_, stderr_, {.level = config.log_level, .format = config.log_format}),
      random_(sys::seed_from_kernel()),
      pipes_({.pipes_max = budget.pipes_max}),
      relay_resources_{pipes_, copy_buffer_},
      reactor_(clock_),
      trim_timer_(reactor_.timers(), event::Timer::OnDue::to<&App::on_trim_due>(this)),
      balancer_(random_),
      proxy_(reactor_, relay_resources_, snapshots_, balancer_, log_,
             proxy_options(config, budget.connections_max), [this] { poll_soon(); }),
      http_(reactor_, http_options(environment)),
      instance_metadata_(metadata_plan, http_, clock_, log_),
      task_metadata_(environment_, http_),
      credentials_(aws::choose_credentials(environment_, http_, instance_metadata_), http_, clock_,
                   random_, log_),
      region_finder_(environment_, http_, task_metadata_, instance_metadata_),
      lifecycle_(reactor_, log_,
                 {.stop = [this] { stop(); }, .poll_soon = [this] { on_poll_request(); }}) {}

App::~App() = default;

int App::run() {
  log_.info("starting", {{"version", KITE_VERSION},
                         {"container", config_.name},
                         {"family", config_.family},
                         {"service", config_.service},
                         {"cluster", config_.cluster}});
  snapshots_.subscribe([this](const snapshot::SnapshotPtr&) {
    trim_timer_.start(reactor_.now() + kTrimAfterCycle);
  });
  proxy_.start();
  find_region();
  reactor_.run();
  log_end();
  return exit_code_;
}

void App::find_region() {
  region_call_ = region_finder_.find(
      config_.region, [this](const sys::Result<aws::Region>& region) { on_region(region); });
}

void App::on_region(const sys::Result<aws::Region>& region) {
  if (!region.ok()) return fail(region.error().message);
  log_.info("region_found", {{"region", region->name}, {"source", region->source}});
  start_discovery(region->name);
}

void App::start_discovery(const std::string& region) {
  const auto ecs =
      aws::resolve_endpoint(aws::Service::ecs, region, config_.endpoint_ecs, environment_);
  if (!ecs.ok()) return fail(ecs.error().message);
  const auto ec2 =
      aws::resolve_endpoint(aws::Service::ec2, region, config_.endpoint_ec2, environment_);
  if (!ec2.ok()) return fail(ec2.error().message);
  log_.info("discovery_starting",
            {{"ecs", ecs->url}, {"ec2", ec2->url}, {"credentials", credentials_.source_name()}});
  upstream_ =
      std::make_unique<Upstream>(*this, aws::SignedCaller::Target{aws::Service::ecs, region, *ecs},
                                 aws::SignedCaller::Target{aws::Service::ec2, region, *ec2});
  upstream_->loop.start();
  if (poll_wanted_) poll_soon();
}

void App::log_end() {
  const event::TurnTimes& times = reactor_.stats().turn_times;
  constexpr size_t kFirstSlowBucket = 13;  // from 4.1 ms on
  uint64_t slow_turns = 0;
  for (const uint64_t turns : times.buckets().subspan(kFirstSlowBucket)) slow_turns += turns;
  const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(times.longest());
  log_.info("ended", {{"accepted", proxy_.stats().accepted_total},
                      {"turns", reactor_.stats().turns},
                      {"slow_turns", slow_turns},
                      {"longest_turn_us", longest.count()}});
}

void App::fail(const std::string& message) {
  log_.error("cannot_start", {{"error", message}});
  exit_code_ = 1;
  stop();
}

void App::stop() {
  region_call_.reset();
  upstream_.reset();
  proxy_.stop();
  reactor_.stop();
}

bool App::poll_soon() {
  poll_wanted_ = upstream_ == nullptr;  // remembered for when discovery begins
  return poll_wanted_ || upstream_->loop.poll_soon();
}

/// What a cycle parsed and forgot would otherwise stay in the process.
void App::on_trim_due() {
  sys::trim_heap();
}

void App::on_poll_request() {
  if (!poll_soon()) log_.info("poll_refused", {{"reason", "throttled"}});
}

}  // namespace kite::app
