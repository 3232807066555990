#pragma once

#include "aws/instance_metadata.h"
#include "aws/settings.h"
#include "cli/config.h"

namespace kite::cli {

/// `wait`: blocks until each target has a backend that can be connected to. Returns the exit code:
/// 0, or 1 when -timeout was over first.
int run_wait(const Config& config, const aws::Settings& settings,
             const aws::InstanceMetadataPlan& metadata_plan);

}  // namespace kite::cli
