#pragma once

#include <map>

#include "aws/cloud_map_api.h"
#include "discovery/backend_filter.h"
#include "discovery/target.h"
#include "sys/shared_text.h"

namespace kite::discovery {

using RegisteredById = std::map<sys::SharedText, aws::RegisteredInstance, std::less<>>;

/// Pure: which registered instances can serve and where, and why each other one was left out; what
/// BackendSelector is for tasks. An instance that has its EC2 instance's address is known to
/// serve at one port of that, AWS_INSTANCE_PORT, whatever the container calls it; one with an
/// address of its own serves there at the ports that the target names, or else at
/// AWS_INSTANCE_PORT. DESIGN 40
Selection select_instances(const RegisteredById& instances, const Target& target);

}  // namespace kite::discovery
