#include "cli/check_command.h"

#include <utility>
#include <vector>

#include "cli/check_report.h"
#include "cli/one_shot_command.h"
#include "cli/reach_probe.h"

namespace kite::cli {

namespace {

std::string credentials_error(OneShot& shot) {
  std::optional<sys::Result<aws::Credentials>> got;
  const auto call = shot.aws().credentials().get(
      false, [&](const sys::Result<aws::Credentials>& result) { got = result; });
  shot.run_until([&] { return got.has_value(); });
  return got->ok() ? "" : got->error().message;
}

std::vector<ActionFinding> find_actions(OneShot& shot, const discovery::Target& target) {
  IamProbe probe({shot.aws().ecs(), shot.aws().ec2(), shot.aws().cloud_map()}, target);
  shot.run_until([&] { return probe.done(); });
  return probe.findings();
}

std::vector<BackendFinding> find_backends(OneShot& shot, const snapshot::Snapshot* snapshot,
                                          std::chrono::milliseconds timeout) {
  std::vector<BackendFinding> findings;
  if (snapshot == nullptr) return findings;
  std::vector<sys::Endpoint> endpoints;
  for (const snapshot::PortBackends& port : snapshot->ports()) {
    for (const snapshot::Backend& backend : port.backends) {
      endpoints.push_back(backend.endpoint);
      findings.push_back({port.container_port, backend.endpoint,
                          std::string(snapshot->tasks()[backend.task_index].id), 0});
    }
  }
  ReachProbe probe(shot.reactor(), std::move(endpoints), timeout);
  shot.run_until([&] { return probe.done(); });
  for (size_t i = 0; i < findings.size(); ++i) findings[i].error = probe.errors()[i];
  return findings;
}

}  // namespace

int run_check(const Config& config, const aws::Settings& settings,
              const aws::InstanceMetadataPlan& metadata_plan) {
  OneShot shot(config, settings, metadata_plan);
  if (const auto error = shot.open()) return fail_command(*error);
  CheckFindings findings{.region = shot.aws().region().name,
                         .region_source = shot.aws().region().source,
                         .credentials_source = shot.aws().credentials().source_name(),
                         .credentials_error = credentials_error(shot),
                         .targets = {}};
  for (const TargetConfig& each : config.targets) {
    const discovery::Target target = discovery_target(each);
    CheckedTarget checked{{target, shot.discover(target)}, {}, {}};
    checked.actions = find_actions(shot, target);
    checked.backends =
        find_backends(shot, checked.listed.result.snapshot.get(), config.connect_timeout);
    findings.targets.push_back(std::move(checked));
  }
  print(stdout, config.json ? check_json(findings)
                            : check_text(findings, Style::of_stdout(settings.environment())));
  return findings.all_well() ? 0 : 1;
}

}  // namespace kite::cli
