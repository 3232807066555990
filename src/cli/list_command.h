#pragma once

#include "aws/instance_metadata.h"
#include "aws/settings.h"
#include "cli/config.h"

namespace kite::cli {

/// `list`: one poll of every target, printed on stdout. Returns the exit code: 0, or 1 when some
/// target has no backend.
int run_list(const Config& config, const aws::Settings& settings,
             const aws::InstanceMetadataPlan& metadata_plan);

}  // namespace kite::cli
