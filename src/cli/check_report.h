#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/iam_probe.h"
#include "cli/list_report.h"
#include "cli/table.h"
#include "sys/endpoint.h"

namespace kite::cli {

struct BackendFinding {
  uint16_t container_port = 0;
  sys::Endpoint endpoint;
  std::string task_id;
  int error = 0;  ///< errno; 0: a connection was made
};

struct CheckedTarget {
  ListedTarget listed;
  std::vector<ActionFinding> actions;
  std::vector<BackendFinding> backends;
};

struct CheckFindings {
  std::string region;
  std::string region_source;
  std::string credentials_source;
  std::string credentials_error;  ///< empty: keys were obtained
  std::vector<CheckedTarget> targets;

  /// Nothing that the kite needs now is missing, and each target has a backend that was reached.
  bool all_well() const;
};

/// The denied actions that the kite needs, each once, sorted: those of every target, and those its
/// last poll wanted. Pure.
std::vector<std::string> missing_actions(std::span<const CheckedTarget> targets);

/// A policy that allows `actions`. Pure.
std::string policy_text(std::span<const std::string> actions);

/// What `check` says, for people; ends in a newline. Pure.
std::string check_text(const CheckFindings& findings, const Style& style);

/// The same for scripts, one line of JSON; the README documents its shape. Pure.
std::string check_json(const CheckFindings& findings);

}  // namespace kite::cli
