#include "admin/admin_site.h"

#include <utility>

#include "admin/backends_page.h"
#include "admin/health.h"
#include "admin/metrics_page.h"
#include "admin/status_assets.h"
#include "admin/status_page.h"

namespace kite::admin {

AdminSite::AdminSite(event::Reactor& reactor, const ViewSource& source)
    : reactor_(reactor),
      source_(source),
      step_timer_(reactor.timers(), event::Timer::OnDue::to<&AdminSite::on_step_due>(this)) {}

void AdminSite::start() {
  on_step_due();
}

void AdminSite::on_step_due() {
  history_.add(source_.view(BackendDetail::listed));
  step_timer_.start(reactor_.now() + History::kStep);
}

AdminResponse AdminSite::answer(std::string_view path) {
  AdminResponse response;
  if (path == "/healthz") {
    response.body = "ok\n";
  } else if (path == "/readyz") {
    Readiness readiness = judge_readiness(source_.view(BackendDetail::counted));
    response.status = readiness.ready ? 200 : 503;
    response.body = std::move(readiness.reason) + "\n";
  } else if (path == "/metrics") {
    response.content_type = kMetricsContentType;
    response.body = metrics_page(source_.view(BackendDetail::listed));
  } else if (path == "/backends") {
    response.content_type = kBackendsContentType;
    response.body = backends_page(source_.view(BackendDetail::with_health));
  } else if (path == "/") {
    response.content_type = "text/html; charset=utf-8";
    response.content_policy = kStatusPolicy;
    response.body = status_page(source_.view(BackendDetail::with_health), history_);
  } else {
    response.status = 404;
    response.body = "There are /, /metrics, /healthz, /readyz and /backends.\n";
  }
  return response;
}

}  // namespace kite::admin
