#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/admin_server.h"
#include "admin/view.h"
#include "app/upstream.h"
#include "aws/access.h"
#include "event/reactor.h"
#include "proxy/backend_table.h"
#include "proxy/connection_budget.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/pipe.h"
#include "sys/process.h"

namespace kite::app {

/// Gathers from every object of the program what the admin pages show.
/// Lifetime:  what it refers to outlives its calls; pointers may still be empty.
/// Thread:    reactor thread only.
class Overview final : public admin::ViewSource {
 public:
  struct Sources {
    const sys::Clock& clock;
    const event::Reactor& reactor;
    const sys::PipePool& pipes;
    const proxy::ConnectionBudget& budget;
    const proxy::BackendTable& backends;
    const sys::Logger& log;
    const std::vector<std::unique_ptr<Upstream>>& upstreams;
    const aws::Access& aws;
    const admin::AdminServer& server;
  };

  explicit Overview(const Sources& sources);

  /// From the first signal on.
  void set_draining() { draining_ = true; }

  admin::View view(admin::BackendDetail detail) const override;

 private:
  admin::TargetView target_view(const Upstream& upstream) const;
  void add_backends(admin::View& view, admin::BackendDetail detail) const;
  void add_services(admin::View& view) const;

  const Sources sources_;
  const sys::SteadyTime started_;
  const sys::Process process_;
  bool draining_ = false;
};

}  // namespace kite::app
