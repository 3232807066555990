#include "cli/check_report.h"

#include <algorithm>
#include <cerrno>

#include "sys/json_writer.h"
#include "sys/socket.h"

namespace kite::cli {

namespace {

std::string_view verdict_name(ActionVerdict verdict) {
  switch (verdict) {
    case ActionVerdict::allowed:
      return "allowed";
    case ActionVerdict::denied:
      return "denied";
    case ActionVerdict::unknown:
      return "unknown";
  }
  return "unknown";
}

/// The last poll asked this and was refused, or no poll can do without it.
bool is_needed(const CheckedTarget& target, const ActionFinding& finding) {
  if (finding.use == "always") return true;
  return std::ranges::any_of(target.listed.result.problems, [&](const auto& problem) {
    return problem.error.operation == finding.action &&
           problem.error.error_class == aws::ErrorClass::denied;
  });
}

bool is_reached(const BackendFinding& backend) {
  return backend.error == 0;
}

/// What follows the operation that a message begins with.
std::string_view cause(std::string_view message, std::string_view operation) {
  return message.starts_with(operation) ? message.substr(operation.size()) : message;
}

/// Why an action is not allowed, unless the last poll has met the same and the list says so.
std::string why_not(const CheckedTarget& target, const ActionFinding& finding) {
  const bool told = std::ranges::any_of(target.listed.result.problems, [&](const auto& problem) {
    return problem.error.operation == finding.action ||
           cause(problem.error.message, problem.error.operation) ==
               cause(finding.message, finding.action);
  });
  if (told && finding.verdict != ActionVerdict::allowed) return "see NOT ANSWERED";
  return printable(finding.message);
}

std::string actions_text(const CheckedTarget& target, const Style& style) {
  Table table({"ACTION", "VERDICT", "NEEDED FOR", "WHY NOT"});
  for (const ActionFinding& finding : target.actions) {
    table.add({finding.action, std::string(verdict_name(finding.verdict)), finding.use,
               why_not(target, finding)});
  }
  return table.text(style);
}

std::string backends_text(const CheckedTarget& target, const Style& style) {
  Table table({"PORT", "ADDRESS", "TASK", "CONNECT"});
  for (const BackendFinding& backend : target.backends) {
    table.add({std::to_string(backend.container_port), backend.endpoint.text(),
               printable(backend.task_id),
               is_reached(backend) ? "reached" : sys::errno_text(backend.error)});
  }
  return table.text(style);
}

std::string target_text(const CheckedTarget& target, const Style& style) {
  ListedTarget listed = target.listed;
  std::string text = list_text({&listed, 1}, style) + "\n" + actions_text(target, style);
  if (!target.backends.empty()) text += "\n" + backends_text(target, style);
  return text;
}

std::string unreached_text(const CheckedTarget& target) {
  const bool all_refuse = std::ranges::all_of(
      target.backends, [](const BackendFinding& backend) { return backend.error == ECONNREFUSED; });
  return all_refuse
             ? "No backend could be reached: each refuses, so nothing listens there. Look at "
               "the target's containers."
             : "No backend could be reached: check the security groups of the target's "
               "tasks and instances, and the routes to them.";
}

std::string verdict_text(const CheckFindings& findings, const Style& style) {
  const auto missing = missing_actions(findings.targets);
  if (!missing.empty()) {
    return style.bad("The role lacks permissions. This policy adds what is missing:") + "\n\n" +
           policy_text(missing);
  }
  if (findings.all_well()) return style.good("All is well.") + "\n";
  for (const CheckedTarget& target : findings.targets) {
    const bool known = !target.backends.empty();
    if (!known || std::ranges::any_of(target.backends, is_reached)) continue;
    return style.bad(unreached_text(target)) + "\n";
  }
  for (const CheckedTarget& target : findings.targets) {
    const auto& problems = target.listed.result.problems;
    if (!problems.empty()) return style.bad(printable(problems.front().error.message)) + "\n";
  }
  return style.bad("Something is missing: see above.") + "\n";
}

void write_target(sys::JsonWriter& out, const CheckedTarget& target) {
  out.open('{');
  out.text("target", target_label(target.listed.target));
  out.key("actions");
  out.open('[');
  for (const ActionFinding& finding : target.actions) {
    out.open('{');
    out.text("action", finding.action);
    out.text("verdict", verdict_name(finding.verdict));
    out.truth("needed", is_needed(target, finding));
    out.text("message", finding.message);
    out.close('}');
  }
  out.close(']');
  out.key("backends");
  out.open('[');
  for (const BackendFinding& backend : target.backends) {
    out.open('{');
    out.number("container_port", backend.container_port);
    out.text("address", backend.endpoint.address_text());
    out.number("port", backend.endpoint.port());
    out.text("task", backend.task_id);
    out.truth("reached", is_reached(backend));
    out.text("error", is_reached(backend) ? "" : sys::errno_text(backend.error));
    out.close('}');
  }
  out.close(']');
  out.close('}');
}

}  // namespace

bool CheckFindings::all_well() const {
  if (!credentials_error.empty() || !missing_actions(targets).empty()) return false;
  return std::ranges::all_of(targets, [](const CheckedTarget& target) {
    return std::ranges::any_of(target.backends, is_reached);
  });
}

std::vector<std::string> missing_actions(std::span<const CheckedTarget> targets) {
  std::vector<std::string> actions;
  for (const CheckedTarget& target : targets) {
    for (const ActionFinding& finding : target.actions) {
      if (finding.verdict != ActionVerdict::denied || !is_needed(target, finding)) continue;
      actions.push_back(finding.action);
    }
  }
  std::ranges::sort(actions);
  actions.erase(std::unique(actions.begin(), actions.end()), actions.end());
  return actions;
}

std::string policy_text(std::span<const std::string> actions) {
  std::string text =
      "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n"
      "      \"Action\": [\n";
  for (size_t i = 0; i < actions.size(); ++i) {
    text += "        \"" + actions[i] + (i + 1 < actions.size() ? "\",\n" : "\"\n");
  }
  return text + "      ],\n      \"Resource\": \"*\"\n    }\n  ]\n}\n";
}

std::string check_text(const CheckFindings& findings, const Style& style) {
  std::string text = style.bold("region") + "       " + printable(findings.region) + " (from " +
                     printable(findings.region_source) + ")\n" + style.bold("credentials") + "  " +
                     printable(findings.credentials_source) + ": ";
  text += findings.credentials_error.empty() ? style.good("obtained")
                                             : style.bad(printable(findings.credentials_error));
  text += "\n\n";
  for (const CheckedTarget& target : findings.targets) text += target_text(target, style) + "\n";
  return text + verdict_text(findings, style);
}

std::string check_json(const CheckFindings& findings) {
  sys::JsonWriter out;
  out.open('{');
  out.truth("ok", findings.all_well());
  out.text("region", findings.region);
  out.text("region_source", findings.region_source);
  out.text("credentials_source", findings.credentials_source);
  out.text("credentials_error", findings.credentials_error);
  out.key("missing_actions");
  out.open('[');
  for (const std::string& action : missing_actions(findings.targets)) out.text(action);
  out.close(']');
  out.key("targets");
  out.open('[');
  for (const CheckedTarget& target : findings.targets) write_target(out, target);
  out.close(']');
  out.close('}');
  return out.take() + "\n";
}

}  // namespace kite::cli
