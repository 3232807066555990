#include "admin/status_page.h"

#include "admin/escaping.h"
#include "admin/health.h"
#include "admin/human_text.h"
#include "admin/status_assets.h"
#include "admin/status_target.h"

namespace kite::admin {

namespace {

/// A value in words is set smaller than numbers are: `style` is "words".
void append_tile(std::string& page, std::string_view title, std::string_view value,
                 std::string_view note, std::string_view style = "number") {
  page += "<div><small>";
  page += title;
  page += "</small><b class=";
  page += style;
  page += '>';
  append_html(page, value);
  page += "</b><small>";
  append_html(page, note);
  page += "</small></div>";
}

void append_traffic_tiles(std::string& page, const View& view) {
  proxy::ProxyStats sum;
  uint64_t bytes = 0;
  size_t backends = 0;
  size_t given = 0;
  for (const TargetView& target : view.targets) {
    sum.accepted_total += target.proxy.accepted_total;
    sum.unserved_total += target.proxy.unserved_total + target.proxy.no_backend_total;
    sum.connect_failures_total += target.proxy.connect_failures_total;
    for (const proxy::PortStats& port : target.ports) {
      bytes += port.counters.client_to_backend_bytes_total;
      bytes += port.counters.backend_to_client_bytes_total;
    }
    backends += target.backends_total;
    given += target.backends_given;
  }
  append_tile(
      page, "Connections", grouped(view.connections),
      "of " + grouped(view.connections_max) + "; " + grouped(sum.accepted_total) + " accepted");
  append_tile(page, "Backends", grouped(backends), grouped(given) + " get connections");
  append_tile(page, "Forwarded", bytes_text(bytes), "both ways");
  append_tile(page, "Unserved", grouped(sum.unserved_total),
              grouped(sum.connect_failures_total) + " failed connects");
}

std::string credentials_note(const View& view) {
  if (view.credentials.expiry) {
    const sys::Duration left = *view.credentials.expiry - view.wall_now;
    if (left < sys::Duration::zero()) return "expired " + duration_text(-left) + " ago";
    return "for another " + duration_text(left);
  }
  if (view.credentials.at_hand) return "keys that do not expire";
  return view.credentials.failures_total == 0 ? "none yet" : "none: see the log";
}

void append_api_tile(std::string& page, const View& view) {
  uint64_t attempts = 0;
  uint64_t throttled = 0;
  for (const ServiceView& service : view.services) {
    attempts += service.attempts_total;
    throttled += service.throttled_attempts_total;
  }
  const std::string quota =
      view.services.empty() ? "" : "; retry budget " + grouped(view.services[0].retry_quota);
  append_tile(page, "Requests to AWS", grouped(attempts),
              grouped(throttled) + " throttled" + quota);
  append_tile(page, "Credentials", view.credentials.source.empty() ? "-" : view.credentials.source,
              credentials_note(view), "words");
}

void append_process_tiles(std::string& page, const View& view) {
  const sys::ProcessUsage& process = view.process;
  append_tile(page, "Memory", process.resident_bytes ? bytes_text(*process.resident_bytes) : "-",
              grouped(view.pipes.lent) + " pipes in use, " + grouped(view.pipes.idle) + " idle");
  append_tile(page, "Descriptors", process.open_fds ? grouped(*process.open_fds) : "-",
              "of " + grouped(process.fds_max));
  append_tile(page, "Processor time", duration_text(process.cpu_time),
              "longest turn " + duration_text(view.reactor.turn_times.longest()));
}

void append_header(std::string& page, const View& view) {
  const Readiness readiness = judge_readiness(view);
  page +=
      "<header><svg viewBox=\"0 0 24 24\"><path d=\"M14 1 23 9 9 17 3 6zM9 17l-3 6 1-6z\"/></svg>"
      "<h1>ecs-task-kite</h1><span class=\"pill ";
  page += readiness.ready ? "ok" : view.draining ? "warn" : "bad";
  page += "\">";
  append_html(page, readiness.reason);
  page +=
      "</span><span id=lost class=\"pill bad\">the kite does not answer</span>"
      "<small class=right>";
  append_html(page, view.version);
  if (!view.region.empty()) {
    page += " in ";
    append_html(page, view.region);
  }
  page += ", up ";
  append_html(page, duration_text(view.now - view.started));
  page += "</small></header>";
}

}  // namespace

std::string status_page(const View& view, const History& history) {
  std::string page =
      "<!doctype html><html lang=en><head><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
      "<noscript><meta http-equiv=refresh content=5></noscript>"
      "<link rel=icon href=\"data:,\"><title>ecs-task-kite";
  for (const TargetView& target : view.targets) {
    page += ' ';
    append_html(page, target.name);
  }
  page += "</title><style>";
  page += kStatusStyle;
  page += "</style></head><body>";
  append_header(page, view);
  page += "<main><div class=tiles>";
  append_traffic_tiles(page, view);
  page += "</div>";
  size_t rows_left = kBackendRowsMax;
  for (const TargetView& target : view.targets) {
    append_target(page, view, target, history, rows_left);
  }
  page += "<div class=tiles>";
  append_api_tile(page, view);
  append_process_tiles(page, view);
  page +=
      "</div><footer>Charts: new connections of the last 5 minutes. More: <a "
      "href=/metrics>metrics</a>, "
      "<a href=/backends>backends</a>, <a href=/readyz>readiness</a></footer></main><script>";
  page += kStatusScript;
  page += "</script></body></html>\n";
  return page;
}

}  // namespace kite::admin
