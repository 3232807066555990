#include "app/app.h"

#include <algorithm>
#include <utility>

#include "cli/one_shot_command.h"
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
    admin_connections_max = std::max<size_t>(2, reserved / 16);
  }
  size_t for_connections(size_t asked) const {
    return asked == 0 ? connections_max : std::min(asked, connections_max);
  }
  size_t connections_max;  ///< two descriptors each
  size_t pipes_max;        ///< two descriptors each; past it relays copy
  size_t admin_connections_max;
};

App::App(const cli::Config& config, const aws::Settings& settings,
         const aws::InstanceMetadataPlan& metadata_plan)
    : App(config, settings, metadata_plan, DescriptorBudget(sys::raise_descriptor_limit())) {}

App::App(const cli::Config& config, const aws::Settings& settings,
         const aws::InstanceMetadataPlan& metadata_plan, const DescriptorBudget& budget)
    : config_(config),
      settings_(settings),
      inherited_(sys::InheritedSockets::of_process(settings.environment())),
      log_(clock_, stderr_, {.level = config.log_level, .format = config.log_format}),
      random_(sys::seed_from_kernel()),
      pipes_({.pipes_max = budget.pipes_max}),
      relay_resources_{pipes_, copy_buffer_, bulk_reads_},
      reactor_(clock_),
      bulk_reads_(reactor_),
      trim_timer_(reactor_.timers(), event::Timer::OnDue::to<&App::on_trim_due>(this)),
      connection_budget_(budget.for_connections(config.max_connections)),
      backends_({.eject_after = config.eject_after,
                 .eject_on_reset = config.eject_on_reset,
                 .slow_start = config.slow_start},
                random_, log_),
      http_(reactor_, cli::http_options(settings)),
      aws_({settings_, http_, clock_, random_, log_}, metadata_plan, cli::aws_wishes(config)),
      overview_({clock_, reactor_, pipes_, connection_budget_, backends_, log_, upstreams_, aws_,
                 admin_}),
      admin_site_(reactor_, overview_),
      admin_(reactor_, admin_site_, budget.admin_connections_max),
      lifecycle_(reactor_, log_, config.drain_timeout,
                 {.activity = [this] { return activity(); },
                  .begin_drain = [this] { begin_drain(); },
                  .stop = [this] { stop(); },
                  .poll_soon = [this] { on_poll_request(); }}),
      confinement_(reactor_, log_) {
  const auto on_poll_finished = [this] { trim_timer_.start(reactor_.now() + kTrimAfterCycle); };
  const Upstream::Deps deps{reactor_,  relay_resources_, connection_budget_,
                            backends_, own_zone_,        random_,
                            clock_,    inherited_,       log_,
                            siblings_, on_poll_finished};
  for (size_t index = 0; index < config_.targets.size(); ++index) {
    upstreams_.push_back(std::make_unique<Upstream>(deps, config_, index));
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
  if (config_.max_connections > connection_budget_.most()) {
    log_.warn("max_connections_capped",
              {{"asked", config_.max_connections},
               {"connections_max", connection_budget_.most()},
               {"hint", "each needs two descriptors; raise the limit (ulimits nofile)"}});
  }
  for (const std::string& complaint : inherited_.complaints()) {
    log_.warn("inherited_socket_refused", {{"error", complaint}});
  }
  if (!start_admin()) return exit_code_;
  pipes_.keep_one();  // while capabilities, where there are any, still lift the user's limit
  // Everything is built, and nothing from outside has been read.
  const auto confined =
      confinement_.enter(config_.sandbox, {.writes_files = !config_.cache.empty()});
  if (!confined.ok()) {
    fail(confined.error().message);
    return exit_code_;
  }
  for (auto& upstream : upstreams_) upstream->start();
  settle_inherited_sockets();
  aws_.open([this](const sys::Result<sys::Done>& opened) { on_access(opened); });
  if (config_.zone_aware) {
    aws_.find_zone([this](const sys::Result<aws::Place>& zone) { on_zone(zone); });
  }
  reactor_.run();
  log_end();
  return exit_code_;
}

bool App::start_admin() {
  if (!config_.admin) return true;
  const auto started = admin_.start(*config_.admin);
  if (!started.ok() && config_.admin_given) {
    fail(started.error().message);
    return false;
  }
  if (!started.ok()) {
    // Nobody asked for this address, so what it is for must not keep traffic from being served.
    log_.warn("admin_unavailable",
              {{"error", started.error().message},
               {"hint",
                "another kite may have it, and healthcheck would ask that one; give each "
                "its own -admin, to the kite and to healthcheck"}});
    return true;
  }
  admin_site_.start();
  log_.info("admin_listening", {{"address", config_.admin->text()}});
  return true;
}

void App::on_access(const sys::Result<sys::Done>& opened) {
  if (!opened.ok()) return fail(opened.error().message);
  for (auto& upstream : upstreams_) upstream->start_discovery(aws_);
}

void App::on_zone(const sys::Result<aws::Place>& zone) {
  if (!zone.ok()) {
    return log_.warn("own_zone_unknown",
                     {{"error", zone.error().message},
                      {"hint", "-zone-aware has no effect: all zones are served alike"}});
  }
  log_.info("own_zone_found", {{"zone", zone->name}, {"source", zone->source}});
  own_zone_.learn(zone->name);
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
  aws_.cancel();
  admin_.stop();
  for (auto& upstream : upstreams_) upstream->stop();
  reactor_.stop();
}

Lifecycle::Activity App::activity() const {
  Lifecycle::Activity all;
  for (const auto& upstream : upstreams_) {
    all.connections += upstream->proxy().connections();
    all.accepted += upstream->proxy().stats().accepted_total;
  }
  return all;
}

void App::begin_drain() {
  overview_.set_draining();
  for (auto& upstream : upstreams_) upstream->begin_drain();
}

/// A socket whose port may still be discovered is kept for it.
void App::settle_inherited_sockets() {
  const auto all = [&](auto holds) {
    return std::all_of(upstreams_.begin(), upstreams_.end(), holds);
  };
  if (!all([](const auto& upstream) { return upstream->has_opened_ports(); })) return;
  const bool final = all([](const auto& upstream) { return upstream->has_given_ports(); });
  for (const sys::Endpoint& endpoint : final ? inherited_.close_rest() : inherited_.tell_rest()) {
    log_.warn("inherited_socket_unused",
              {{"address", endpoint.text()},
               {"hint", final ? "no target listens there, so it is closed; see -port and -bind"
                              : "no target serves that port now; it is kept for when one does"}});
  }
}

void App::tell_refused_pipes() {
  const uint64_t refused = pipes_.refused_total();
  if (refused == refused_pipes_told_ || !refused_pipes_log_.admit(reactor_.now())) return;
  log_.warn("pipes_refused",
            {{"refused", refused - std::exchange(refused_pipes_told_, refused)},
             {"message", "the kernel grants no pipes of useful size: bytes are copied instead"},
             {"hint", "let no other program run as this user, or raise fs.pipe-user-pages-soft"}});
}

/// What a cycle parsed and forgot would otherwise stay in the process.
void App::on_trim_due() {
  settle_inherited_sockets();
  tell_refused_pipes();
  sys::trim_heap();
}

void App::on_poll_request() {
  bool refused = false;
  for (auto& upstream : upstreams_) refused |= !upstream->poll_soon();
  if (refused) log_.info("poll_refused", {{"reason", "throttled"}});
}

}  // namespace kite::app
