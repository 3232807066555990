#include "cli/wait_command.h"

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "cli/one_shot_command.h"
#include "cli/reach_probe.h"
#include "cli/wait_pace.h"
#include "sys/socket.h"

namespace kite::cli {

namespace {

/// A rest that would outlast -timeout ends so long before it, for one more look.
constexpr std::chrono::seconds kLastLook{1};

std::vector<sys::Endpoint> endpoints_of(const snapshot::Snapshot& snapshot) {
  std::vector<sys::Endpoint> endpoints;
  for (const snapshot::PortBackends& port : snapshot.ports()) {
    for (const snapshot::Backend& backend : port.backends) endpoints.push_back(backend.endpoint);
  }
  return endpoints;
}

/// Waits for one target.
class Waiting {
 public:
  Waiting(OneShot& shot, const Config& config, const TargetConfig& target, OneShot::Until until)
      : shot_(shot),
        config_(config),
        target_(discovery_target(target)),
        until_(until),
        pace_(config.poll.low, shot.random()) {}

  /// Returns what is in the way when the time is over; nothing when the target can be used.
  std::optional<std::string> run() {
    rest(pace_.first());
    for (;;) {  // ends: by a backend, or by -timeout
      const auto result = shot_.discover(target_, until_);
      if (!result) return obstacle_ + "; the last poll was not over";
      if (can_be_used(*result)) return std::nullopt;
      if (!rest(pace_.next(*result))) return obstacle_;
    }
  }

 private:
  bool can_be_used(const discovery::CycleResult& result) {
    if (result.snapshot == nullptr || result.snapshot->backend_count() == 0) {
      obstacle_ = lack_of(result);
      return false;
    }
    const auto endpoints = endpoints_of(*result.snapshot);
    ReachProbe probe(shot_.reactor(), endpoints, config_.connect_timeout);
    shot_.run_until([&] { return probe.done() || probe.reached_any(); }, until_);
    if (probe.reached_any()) return true;
    const int error = probe.errors().front();
    obstacle_ = "no backend can be connected to, such as " + endpoints.front().text() + ": " +
                (error == EINPROGRESS ? "no answer yet" : sys::errno_text(error));
    return false;
  }

  static std::string lack_of(const discovery::CycleResult& result) {
    if (!result.problems.empty()) return result.problems.front().error.message;
    if (!result.exclusions.empty()) return result.exclusions.front().detail;
    return "no task is listed";
  }

  /// False when there is no time for another look.
  bool rest(sys::Duration pause) {
    const sys::SteadyTime now = shot_.reactor().now();
    sys::SteadyTime end = now + pause;
    if (until_ && end >= *until_) {
      if (*until_ - now <= kLastLook) return false;
      end = *until_ - kLastLook;
    }
    shot_.run_until([] { return false; }, end);
    return true;
  }

  OneShot& shot_;
  const Config& config_;
  const discovery::Target target_;
  const OneShot::Until until_;
  WaitPace pace_;
  std::string obstacle_ = "AWS has not answered";
};

}  // namespace

int run_wait(const Config& config, const aws::Settings& settings,
             const aws::InstanceMetadataPlan& metadata_plan) {
  OneShot shot(config, settings, metadata_plan);
  OneShot::Until until;
  if (config.timeout) until = shot.reactor().now() + *config.timeout;
  if (const auto error = shot.open(until)) return fail_command(*error);
  for (const TargetConfig& each : config.targets) {
    if (const auto obstacle = Waiting(shot, config, each, until).run()) {
      return fail_command(
          {target_label(discovery_target(each)) + " is not ready after -timeout: " + *obstacle});
    }
  }
  return 0;
}

}  // namespace kite::cli
