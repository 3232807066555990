#include "cli/list_report.h"

#include <vector>

#include "aws/call_error.h"
#include "sys/json_writer.h"

namespace kite::cli {

namespace {

std::string counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string headline(const ListedTarget& listed, const Style& style) {
  const discovery::CycleResult& result = listed.result;
  const std::string name = style.bold(printable(target_label(listed.target))) + " in cluster " +
                           printable(listed.target.cluster) + ": ";
  if (result.listing == discovery::Listing::failed) {
    return name + style.bad("the tasks could not be listed") + "\n";
  }
  const std::string counts = counted(listed.backend_count(), "backend") + " on " +
                             counted(result.tasks_listed, "task") + " listed";
  return name + (listed.backend_count() == 0 ? style.bad(counts) : style.good(counts)) + "\n";
}

Table backends_table(const snapshot::Snapshot& snapshot) {
  Table table({"PORT", "ADDRESS", "TASK", "ZONE"});
  for (const snapshot::PortBackends& port : snapshot.ports()) {
    for (const snapshot::Backend& backend : port.backends) {
      const snapshot::BackendTask& task = snapshot.tasks()[backend.task_index];
      const std::string zone = printable(task.zone);
      table.add({std::to_string(port.container_port), backend.endpoint.text(), printable(task.id),
                 zone.empty() ? "-" : zone});
    }
  }
  return table;
}

std::string target_text(const ListedTarget& listed, const Style& style) {
  const discovery::CycleResult& result = listed.result;
  std::string text = headline(listed, style);
  if (listed.backend_count() > 0) text += backends_table(*result.snapshot).text(style);
  if (!result.exclusions.empty()) {
    Table table({"TASK LEFT OUT", "REASON", "WHY"});
    for (const discovery::Exclusion& exclusion : result.exclusions) {
      table.add({printable(exclusion.task_id), std::string(reason_name(exclusion.reason)),
                 printable(exclusion.detail)});
    }
    text += "\n" + table.text(style);
  }
  if (result.listing != discovery::Listing::failed && result.tasks_listed == 0) {
    text += "  no task is listed: check the name, -cluster and the region, or nothing runs\n";
  }
  if (result.all_missing) {
    text += "  ECS calls every listed task MISSING: -cluster or the region may be wrong\n";
  }
  const std::string problems = problems_text(result, style);
  return problems.empty() ? text : text + "\n" + problems;
}

void write_backends(sys::JsonWriter& out, const ListedTarget& listed) {
  out.key("backends");
  out.open('[');
  for (const snapshot::PortBackends& port : listed.backend_count() == 0
                                                ? std::vector<snapshot::PortBackends>{}
                                                : listed.result.snapshot->ports()) {
    for (const snapshot::Backend& backend : port.backends) {
      const snapshot::BackendTask& task = listed.result.snapshot->tasks()[backend.task_index];
      out.open('{');
      out.number("container_port", port.container_port);
      out.text("address", backend.endpoint.address_text());
      out.number("port", backend.endpoint.port());
      out.text("task", task.id);
      out.text("zone", task.zone);
      out.close('}');
    }
  }
  out.close(']');
}

void write_left_out(sys::JsonWriter& out, const discovery::CycleResult& result) {
  out.key("left_out");
  out.open('[');
  for (const discovery::Exclusion& exclusion : result.exclusions) {
    out.open('{');
    out.text("task", exclusion.task_id);
    out.text("reason", reason_name(exclusion.reason));
    out.text("detail", exclusion.detail);
    out.close('}');
  }
  out.close(']');
}

void write_problems(sys::JsonWriter& out, const discovery::CycleResult& result) {
  out.key("problems");
  out.open('[');
  for (const discovery::CycleProblem& problem : result.problems) {
    out.open('{');
    out.text("operation", problem.error.operation);
    out.text("class", aws::error_class_name(problem.error.error_class));
    out.text("code", problem.error.code);
    out.text("message", problem.error.message);
    out.number("count", problem.count);
    out.close('}');
  }
  out.close(']');
}

}  // namespace

std::string problems_text(const discovery::CycleResult& result, const Style& style) {
  if (result.problems.empty()) return {};
  Table table({"NOT ANSWERED", "CLASS", "WHY"});
  for (const discovery::CycleProblem& problem : result.problems) {
    table.add({printable(problem.error.operation),
               std::string(aws::error_class_name(problem.error.error_class)),
               printable(problem.error.message)});
  }
  return table.text(style);
}

std::string list_text(std::span<const ListedTarget> targets, const Style& style) {
  std::string text;
  for (const ListedTarget& listed : targets) {
    if (!text.empty()) text += "\n";
    text += target_text(listed, style);
  }
  return text;
}

std::string list_json(std::span<const ListedTarget> targets) {
  sys::JsonWriter out;
  out.open('{');
  out.key("targets");
  out.open('[');
  for (const ListedTarget& listed : targets) {
    out.open('{');
    out.text("target", target_label(listed.target));
    out.text("cluster", listed.target.cluster);
    out.truth("complete", listed.result.complete);
    out.number("tasks_listed", listed.result.tasks_listed);
    write_backends(out, listed);
    write_left_out(out, listed.result);
    write_problems(out, listed.result);
    out.close('}');
  }
  out.close(']');
  out.close('}');
  return out.take() + "\n";
}

}  // namespace kite::cli
