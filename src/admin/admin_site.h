#pragma once

#include <string_view>

#include "admin/admin_response.h"
#include "admin/history.h"
#include "admin/view.h"
#include "event/reactor.h"
#include "event/timer_queue.h"

namespace kite::admin {

/// Which path shows what, and the memory that its charts need.
/// Lifetime:  reactor and source outlive it.
/// Thread:    reactor thread only.
class AdminSite final : public AdminPages {
 public:
  AdminSite(event::Reactor& reactor, const ViewSource& source);

  /// The charts begin. Call once.
  void start();
  AdminResponse answer(std::string_view path) override;

 private:
  void on_step_due();

  event::Reactor& reactor_;
  const ViewSource& source_;
  History history_;
  event::Timer step_timer_;
};

}  // namespace kite::admin
