#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sys/endpoint.h"
#include "tests/e2e/traffic/end.h"
#include "tests/e2e/traffic/loop.h"
#include "tests/e2e/traffic/report.h"

namespace kite::traffic {

/// The backends' side: plays the server part of whatever plan a connection brings along.
/// Lifetime:  outlives the loop's targets it made.
class Server final : public EndOwner {
 public:
  explicit Server(Loop& loop) : loop_(loop) {}
  /// Returns the endpoint it got (port 0 chooses one), or a sentence.
  sys::Result<sys::Endpoint> listen(const sys::Endpoint& endpoint);
  void on_end_finished(const Record& record) override;
  void on_accepted(sys::OwnedFd socket);

  uint64_t open() const { return accepted_ - report_.finished(); }
  const Report& report() const { return report_; }

 private:
  Loop& loop_;
  Report report_;
  uint64_t accepted_ = 0;
};

}  // namespace kite::traffic
