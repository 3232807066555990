#include "cli/list_command.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "cli/list_report.h"
#include "cli/one_shot_command.h"

namespace kite::cli {

int run_list(const Config& config, const aws::Settings& settings,
             const aws::InstanceMetadataPlan& metadata_plan) {
  OneShot shot(config, settings, metadata_plan);
  if (const auto error = shot.open()) return fail_command(*error);
  std::vector<ListedTarget> listed;
  for (const TargetConfig& target : config.targets) {
    const discovery::Target wanted = discovery_target(target);
    listed.push_back({wanted, shot.discover(wanted)});
  }
  print(stdout, config.json ? list_json(listed)
                            : list_text(listed, Style::of_stdout(settings.environment())));
  const bool all_served = std::ranges::all_of(
      listed, [](const ListedTarget& target) { return target.backend_count() > 0; });
  return all_served ? 0 : 1;
}

}  // namespace kite::cli
