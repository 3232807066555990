#pragma once

#include "aws/instance_metadata.h"
#include "aws/settings.h"
#include "cli/config.h"

namespace kite::cli {

/// `check`: where region and credentials come from, which IAM actions are allowed, which backends
/// can be reached, and the policy that is missing. Returns the exit code: 0 when all is well, or 1.
int run_check(const Config& config, const aws::Settings& settings,
              const aws::InstanceMetadataPlan& metadata_plan);

}  // namespace kite::cli
