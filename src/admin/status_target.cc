#include "admin/status_target.h"

#include <algorithm>

#include "admin/bar_chart.h"
#include "admin/escaping.h"
#include "admin/human_text.h"

namespace kite::admin {

namespace {

/// One fact under the target's name.
void append_fact(std::string& page, std::string_view name, std::string_view value,
                 std::string_view style = {}) {
  page += "<div><dt>";
  page += name;
  page += "</dt><dd";
  if (!style.empty()) {
    page += " class=";
    page += style;
  }
  page += '>';
  append_html(page, value);
  page += "</dd></div>";
}

void append_facts(std::string& page, const View& view, const TargetView& target) {
  const discovery::DiscoveryStats& discovery = target.discovery;
  page += "<dl>";
  append_fact(page, "Cluster", target.cluster);
  append_fact(page, "Answered in full",
              discovery.last_complete ? duration_text(view.now - *discovery.last_complete) + " ago"
                                      : "never",
              discovery.last_complete ? "" : "bad");
  std::string next = discovery.polling ? "now" : "not yet";
  if (discovery.next_poll) next = "in " + duration_text(*discovery.next_poll - view.now);
  append_fact(page, "Next poll", next);
  append_fact(page, "Interval", duration_text(discovery.poll_interval));
  append_fact(page, "API budget", discovery.throttled ? "throttled by AWS" : "fine",
              discovery.throttled ? "warn" : "ok");
  append_fact(page, "Polls",
              grouped(discovery.cycles_complete) + " full, " + grouped(discovery.cycles_partial) +
                  " partial, " + grouped(discovery.cycles_failed) + " failed");
  for (const proxy::PortStats& port : target.ports) {
    append_fact(
        page, "Port " + std::to_string(port.listen_port),
        "to " + std::to_string(port.container_port) + ", " + grouped(port.connections) + " open");
  }
  page += "</dl>";
}

/// Tasks that are no backends, by reason; nothing when every task serves.
void append_excluded(std::string& page, const TargetView& target) {
  bool first = true;
  for (const auto& excluded : target.discovery.excluded) {
    if (excluded.count == 0) continue;
    page += first ? "<p><span class=dim>Not used:</span> " : ", ";
    append_html(page, grouped(excluded.count));
    page += ' ';
    append_html(page, excluded.name);
    first = false;
  }
  if (!first) page += "</p>";
}

void append_percent_encoded(std::string& link, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    if (plain) {
      link += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    link += '%';
    link += kHex[byte >> 4];
    link += kHex[byte & 0xF];
  }
}

void append_task(std::string& page, const View& view, const TargetView& target,
                 std::string_view task) {
  constexpr size_t kShort = 8;
  std::string_view shown = task.substr(0, kShort);
  // Not within a character of several bytes.
  while (!shown.empty() && shown.size() < task.size() &&
         (static_cast<unsigned char>(task[shown.size()]) & 0xC0) == 0x80) {
    shown.remove_suffix(1);
  }
  const std::string link = console_link(view.region, target.cluster, task);
  page += link.empty() ? "<abbr title=\"" : "<a rel=noreferrer href=\"";
  if (!link.empty()) {
    append_html(page, link);
    page += "\" title=\"";
  }
  append_html(page, task);
  page += "\">";
  append_html(page, shown);
  page += link.empty() ? "</abbr>" : "</a>";
}

struct StateText {
  std::string text;
  std::string_view style;
};

StateText state_text(const proxy::BackendView& backend, sys::SteadyTime now) {
  switch (backend.state) {
    case proxy::BackendState::serving:
      return {"serving", "ok"};
    case proxy::BackendState::slow_start:
      return {"slow start, " + duration_text(backend.until - now), "ok"};
    case proxy::BackendState::ejected:
      return {"ejected, " + duration_text(backend.until - now), "bad"};
    case proxy::BackendState::probing:
      return {"probing", "warn"};
    case proxy::BackendState::leaving:
      return {"leaving", "warn"};
  }
  return {"unknown", "warn"};
}

/// What it is called stands in the table's head, and on phones in the style sheet.
void append_cell(std::string& page, std::string_view value, std::string_view style = {}) {
  page += style.empty() ? "<td>" : "<td class=";
  if (!style.empty()) {
    page += style;
    page += '>';
  }
  append_html(page, value);
}

void append_health(std::string& page, const std::string& health) {
  if (health == "HEALTHY") return append_cell(page, "healthy", "ok");
  if (health == "UNHEALTHY") return append_cell(page, "unhealthy", "bad");
  append_cell(page, health == "UNKNOWN" ? "unknown" : health.empty() ? "-" : health, "dim");
}

void append_row(std::string& page, const View& view, const TargetView& target,
                const BackendRow& backend, const Growth* growth) {
  const proxy::BackendCounters& counters = backend.counters;
  const StateText state = state_text(backend, view.now);
  page += "<tr><td>";
  append_task(page, view, target, backend.task);
  append_cell(page, state.text, state.style);
  append_health(page, backend.health);
  append_cell(page, backend.endpoint.text());
  append_cell(page, backend.zone.empty() ? "-" : backend.zone.view());
  append_cell(page, grouped(backend.connections));
  append_cell(page, grouped(counters.connections_total));
  append_cell(page, bytes_text(counters.client_to_backend_bytes));
  append_cell(page, bytes_text(counters.backend_to_client_bytes));
  const uint64_t failures = counters.connect_failures_total + counters.early_resets_total;
  append_cell(page, grouped(failures), failures == 0 ? "" : "bad");
  page += "<td>";
  if (growth != nullptr) append_bar_chart(page, growth->steps(), "new connections");
}

/// A backend is one row, wherever it is listed first.
void append_shared_note(std::string& page, const snapshot::Snapshot& snapshot) {
  page += "<p>";
  append_html(page, grouped(snapshot.backend_count()));
  page += snapshot.backend_count() == 1 ? " backend" : " backends";
  page += ", shown under the target that listed them first.</p>";
}

void append_table(std::string& page, const View& view, const TargetView& target,
                  const History& history, size_t rows) {
  page +=
      "<table><thead><tr><th>Task<th>State<th>Health<th>Address<th>Zone<th>Open<th>Connections<th>"
      "To it"
      "<th>From it<th>Failures<th>Last 5 min</tr></thead><tbody>";
  for (size_t i = 0; i < rows; ++i) {
    const BackendRow& backend = target.backends[i];
    append_row(page, view, target, backend, history.find(backend));
  }
  page += "</tbody></table>";
}

}  // namespace

void append_target(std::string& page, const View& view, const TargetView& target,
                   const History& history, size_t& rows_left) {
  page += "<section><div class=head><h2>";
  append_html(page, target.name);
  page += "</h2>";
  if (const History::TargetGrowth* growth = history.find(target)) {
    append_bar_chart(page, growth->clients.steps(), "new clients");
    page += "<small>new clients, last 5 min</small>";
  }
  page += "</div>";
  append_facts(page, view, target);
  const size_t rows = std::min(rows_left, target.backends.size());
  rows_left -= rows;
  if (target.snapshot == nullptr) {
    page += "<p class=warn>AWS has not told yet which tasks run.</p>";
  } else if (target.snapshot->backend_count() == 0) {
    page += "<p class=bad>No task can serve.</p>";
  } else if (target.backends_total == 0) {
    append_shared_note(page, *target.snapshot);
  }
  if (rows > 0) append_table(page, view, target, history, rows);
  if (rows < target.backends_total) {
    page += "<p class=dim>";
    append_html(page, grouped(target.backends_total - rows));
    page += " more: see <a href=/backends>backends</a></p>";
  }
  append_excluded(page, target);
  page += "</section>";
}

std::string console_link(std::string_view region, std::string_view cluster, std::string_view task) {
  if (region.empty() || task.empty() || region.starts_with("us-iso")) return {};
  const std::string_view name = cluster.substr(cluster.rfind('/') + 1);  // of an ARN; npos + 1 is 0
  std::string link = "https://";
  append_percent_encoded(link, region);
  if (region.starts_with("cn-")) {
    link += ".console.amazonaws.cn";
  } else if (region.starts_with("us-gov-")) {
    link += ".console.amazonaws-us-gov.com";
  } else {
    link += ".console.aws.amazon.com";
  }
  link += "/ecs/v2/clusters/";
  append_percent_encoded(link, name);
  link += "/tasks/";
  append_percent_encoded(link, task);
  return link;
}

}  // namespace kite::admin
