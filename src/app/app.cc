#include "app/app.h"

#include <algorithm>
#include <utility>

#include "aws/credentials_chain.h"
#include "aws/endpoints.h"
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

http::CurlClient::Options http_options(const sys::Environment& environment) {
  http::CurlClient::Options options;
  options.ca_bundle = environment.get_non_empty("AWS_CA_BUNDLE").value_or("");
  return options;
}

}  // namespace

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
      connection_budget_(budget.connections_max),
      http_(reactor_, http_options(environment)),
      instance_metadata_(metadata_plan, http_, clock_, log_),
      task_metadata_(environment_, http_),
      credentials_(aws::choose_credentials(environment_, http_, instance_metadata_), http_, clock_,
                   random_, log_),
      region_finder_(environment_, http_, task_metadata_, instance_metadata_),
      lifecycle_(reactor_, log_,
                 {.stop = [this] { stop(); }, .poll_soon = [this] { on_poll_request(); }}) {
  const auto on_poll_finished = [this] { trim_timer_.start(reactor_.now() + kTrimAfterCycle); };
  const Upstream::Deps deps{reactor_, relay_resources_, connection_budget_, random_, clock_,
                            log_,     on_poll_finished};
  for (const cli::TargetConfig& target : config_.targets) {
    upstreams_.push_back(std::make_unique<Upstream>(deps, config_, target));
  }
}

App::~App() = default;

int App::run() {
  for (const cli::TargetConfig& target : config_.targets) {
    log_.info("starting", {{"version", KITE_VERSION},
                           {"container", target.name},
                           {"family", target.family},
                           {"service", target.service},
                           {"namespace", target.namespace_name},
                           {"cluster", target.cluster}});
  }
  for (auto& upstream : upstreams_) upstream->start();
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
  const auto cloud_map = aws::resolve_endpoint(aws::Service::cloud_map, region, "", environment_);
  if (!cloud_map.ok()) return fail(cloud_map.error().message);
  log_.info("discovery_starting",
            {{"ecs", ecs->url}, {"ec2", ec2->url}, {"credentials", credentials_.source_name()}});
  aws_ = std::make_unique<AwsAccess>(
      AwsAccess::Deps{http_, credentials_, clock_, random_},
      aws::SignedCaller::Target{aws::Service::ecs, region, *ecs},
      aws::SignedCaller::Target{aws::Service::ec2, region, *ec2},
      aws::SignedCaller::Target{aws::Service::cloud_map, region, *cloud_map});
  for (auto& upstream : upstreams_) upstream->start_discovery(*aws_, region);
}

void App::log_end() {
  const event::TurnTimes& times = reactor_.stats().turn_times;
  constexpr size_t kFirstSlowBucket = 13;  // from 4.1 ms on
  uint64_t slow_turns = 0;
  for (const uint64_t turns : times.buckets().subspan(kFirstSlowBucket)) slow_turns += turns;
  const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(times.longest());
  uint64_t accepted = 0;
  for (const auto& upstream : upstreams_) accepted += upstream->proxy().stats().accepted_total;
  log_.info("ended", {{"accepted", accepted},
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
  for (auto& upstream : upstreams_) upstream->stop();
  reactor_.stop();
}

/// What a cycle parsed and forgot would otherwise stay in the process.
void App::on_trim_due() {
  sys::trim_heap();
}

void App::on_poll_request() {
  bool refused = false;
  for (auto& upstream : upstreams_) refused |= !upstream->poll_soon();
  if (refused) log_.info("poll_refused", {{"reason", "throttled"}});
}

}  // namespace kite::app
