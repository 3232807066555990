#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kite::discovery {

/// Which containers of which tasks are wanted: what the command line says of one upstream,
/// validated.
struct Target {
  struct Tag {
    std::string key;
    std::string value;
  };

  std::string cluster = "default";   ///< name or ARN
  std::string family;                ///< exactly one of family and service is set for ECS
  std::optional<uint32_t> revision;  ///< of the family; absent means any
  std::string service;               ///< of ECS, or of Cloud Map where a namespace is given
  std::string namespace_name;        ///< empty: ECS is asked; else cluster and family may be empty
  std::string container;             ///< name within the task
  std::vector<uint16_t> ports;       ///< container ports; empty: all that the tasks have
  bool use_public_addresses = false;
  std::vector<Tag> tags;                 ///< a task must have all of them
  bool primary_deployment_only = false;  ///< of a service: what its newest deployment runs
};

/// For log lines: "service/api/app", "family/web:7/nginx".
std::string target_label(const Target& target);

/// All that decides what the target's backends are, in one line: two targets are the same when
/// theirs are.
std::string target_identity(const Target& target, std::string_view region);

/// The end of "arn:aws:ecs:<region>:<account>:task-definition/<family>:<revision>".
struct DefinitionName {
  std::string_view family;  ///< part of the text that was parsed
  uint32_t revision = 0;
};
/// Nothing when the text is not such an ARN.
std::optional<DefinitionName> parse_definition_arn(std::string_view arn);

/// What follows the last '/' of an ARN: the task's or instance's id; the whole text without one.
std::string_view arn_id(std::string_view arn);

}  // namespace kite::discovery
