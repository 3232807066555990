#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kite::cli {

/// What a value must look like before it is worth asking AWS or the kernel. All pure; any bytes may
/// come in.

/// A name of a container, family, service or cluster.
/// Source:    ECS API reference, RegisterTaskDefinition, CreateService, CreateCluster.
bool is_ecs_name(std::string_view text);

/// "arn:aws:ecs:eu-west-1:111122223333:cluster/prod", of any partition.
bool is_cluster_arn(std::string_view text);

/// A region as a label of a host name; whether it exists is for the name server to say.
bool is_region_label(std::string_view text);

/// An absolute http or https URL with a host, perhaps a port and a path. A user, a query or a
/// fragment has no meaning in an endpoint.
bool is_endpoint_url(std::string_view text);

/// Digits only: no sign, no space, nothing behind. Nothing when there is none or it does not fit.
std::optional<uint32_t> parse_number(std::string_view text);

/// 1 to 65535.
std::optional<uint16_t> parse_port(std::string_view text);

}  // namespace kite::cli
