#pragma once

#include <cstdint>
#include <vector>

#include "sys/endpoint.h"
#include "tests/e2e/traffic/end.h"
#include "tests/e2e/traffic/loop.h"
#include "tests/e2e/traffic/plan.h"
#include "tests/e2e/traffic/report.h"

namespace kite::traffic {

/// The clients' side, closed loop: keeps `parallel` connections going, a new one for each that
/// ends, until the wanted volume has been planned.
/// Lifetime:  outlives the loop's targets it made.
class Client final : public EndOwner {
 public:
  struct Options {
    std::vector<sys::Endpoint> targets;  ///< used in turn
    uint64_t parallel = 64;
    uint64_t connections_min = 1;
    uint64_t bytes_each_way = 0;  ///< of connections that no plan cuts
    PlanDealer::Options plans;
  };
  Client(Loop& loop, Options options);
  /// Opens what is missing. Call once a turn; true when everything is over.
  bool advance();
  void on_end_finished(const Record& record) override;
  const Report& report() const { return report_; }

 private:
  bool enough() const;
  void open_one();

  Loop& loop_;
  Options options_;
  PlanDealer dealer_;
  Report report_;
  uint64_t opened_ = 0;
  uint64_t planned_up_bytes_ = 0;
  uint64_t planned_down_bytes_ = 0;
};

}  // namespace kite::traffic
