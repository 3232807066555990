#include "cli/wait_command.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/one_shot_command.h"
#include "cli/reach_probe.h"

namespace kite::cli {

namespace {

/// The first waits between two looks are short, because whoever waits does so at a start.
constexpr std::chrono::milliseconds kFirstPause{500};

std::vector<sys::Endpoint> endpoints_of(const snapshot::Snapshot& snapshot) {
  std::vector<sys::Endpoint> endpoints;
  for (const snapshot::PortBackends& port : snapshot.ports()) {
    for (const snapshot::Backend& backend : port.backends) endpoints.push_back(backend.endpoint);
  }
  return endpoints;
}

/// Why the target cannot be used yet; empty when it can.
std::string obstacle(OneShot& shot, const Config& config, const discovery::Target& target) {
  const discovery::CycleResult result = shot.discover(target);
  if (result.snapshot == nullptr || result.snapshot->backend_count() == 0) {
    if (!result.problems.empty()) return result.problems.front().error.message;
    if (!result.exclusions.empty()) return result.exclusions.front().detail;
    return "no task is listed";
  }
  const auto endpoints = endpoints_of(*result.snapshot);
  ReachProbe probe(shot.reactor(), endpoints, config.connect_timeout);
  shot.run_until([&] { return probe.done(); });
  if (std::ranges::find(probe.errors(), 0) != probe.errors().end()) return {};
  return "no backend can be connected to, such as " + endpoints.front().text();
}

}  // namespace

int run_wait(const Config& config, const aws::Settings& settings,
             const aws::InstanceMetadataPlan& metadata_plan) {
  OneShot shot(config, settings, metadata_plan);
  if (const auto error = shot.open()) return fail_command(*error);
  std::optional<sys::SteadyTime> until;
  if (config.timeout) until = shot.reactor().now() + *config.timeout;
  for (const TargetConfig& each : config.targets) {
    const discovery::Target target = discovery_target(each);
    sys::Duration pause = kFirstPause;
    for (;;) {  // ends: by a backend, or by -timeout
      const std::string why = obstacle(shot, config, target);
      if (why.empty()) break;
      if (until && shot.reactor().now() + pause >= *until) {
        return fail_command({target_label(target) + " is not ready after -timeout: " + why});
      }
      shot.run_until([] { return false; }, shot.reactor().now() + pause);
      pause = std::min<sys::Duration>(2 * pause, config.poll.low);
    }
  }
  return 0;
}

}  // namespace kite::cli
