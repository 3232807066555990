#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/cloud_map_calls.h"
#include "aws/credentials.h"
#include "aws/ec2_calls.h"
#include "aws/ecs_calls.h"
#include "aws/signed_call.h"
#include "discovery/discovery_loop.h"
#include "discovery/siblings.h"
#include "snapshot/snapshot_cell.h"
#include "sys/random.h"
#include "tests/fleet/cloud.h"

namespace kite::fleet {

/// Keys that never change.
class FixedCredentials final : public aws::CredentialsSource {
 public:
  const aws::Credentials* at_hand() override { return &keys_; }
  std::unique_ptr<aws::Call> get(bool force_refresh, aws::OnCredentials on_credentials) override;

 private:
  aws::Credentials keys_{"AKIDEXAMPLE", aws::Secret("secret"), {}, {}};
};

/// The longest and the sum of the times between events.
class Gaps {
 public:
  /// Gaps count from `since` on; one that was open then counts whole.
  void note(sys::SteadyTime now, sys::SteadyTime since) {
    if (last_ && now >= since) {
      longest_ = std::max(longest_, now - *last_);
      total_ += now - *last_;
      ++count_;
    }
    last_ = now;
  }
  sys::Duration longest() const { return longest_; }
  sys::Duration total() const { return total_; }
  uint64_t count() const { return count_; }

 private:
  std::optional<sys::SteadyTime> last_;
  sys::Duration longest_{};
  sys::Duration total_{};
  uint64_t count_ = 0;
};

/// A task that was started, and how long kites took to hear of it.
struct Arrival {
  size_t service = 0;
  std::string task_id;
  sys::SteadyTime at{};
  std::vector<sys::Duration> heard_after;
};

/// A kite as far as AWS can tell: the real discovery, signing and retries, one service as target.
/// Lifetime:  what it was built with outlives it.
class FleetKite {
 public:
  struct Deps {
    Cloud& cloud;
    const sys::Clock& clock;
    sys::Logger& logger;
    std::vector<Arrival>& arrivals;  ///< of all services, only ever growing
    sys::SteadyTime measure_from;
    bool cloud_map = false;
    size_t services = 1;
    size_t targets = 1;  ///< of each kite: the services from its own on
    bool share = true;   ///< they share calls
  };

  FleetKite(const Deps& deps, uint64_t seed, size_t service);
  void start();

  const discovery::DiscoveryStats& stats() const { return loop_.stats(); }
  std::optional<sys::SteadyTime> first_set_at() const { return first_set_at_; }
  const Gaps& polls() const { return polls_; }
  const Gaps& descriptions() const { return descriptions_; }
  size_t backends() const { return cell_.current() ? cell_.current()->backend_count() : 0; }
  const snapshot::SnapshotPtr& set() const { return cell_.current(); }
  size_t service() const { return service_; }
  void close_gaps();

 private:
  /// A target beside the first, which is the one that is measured.
  struct Further {
    snapshot::SnapshotCell cell;
    std::unique_ptr<discovery::DiscoveryLoop> loop;
  };

  void on_publish(const snapshot::Snapshot& set);
  discovery::DiscoveryLoop::Deps loop_deps(snapshot::SnapshotCell& cell);

  Deps deps_;
  const size_t service_;
  sys::SeededRandom random_;
  FixedCredentials credentials_;
  Wire wire_;
  aws::SignedCaller ecs_caller_;
  aws::SignedCaller ec2_caller_;
  aws::SignedCaller cloud_map_caller_;
  aws::EcsCalls ecs_;
  aws::Ec2Calls ec2_;
  aws::CloudMapCalls cloud_map_;
  snapshot::SnapshotCell cell_;
  std::optional<sys::SteadyTime> first_set_at_;
  uint64_t complete_before_ = 0;
  Gaps polls_;
  Gaps descriptions_;
  size_t arrivals_seen_ = 0;     ///< of deps_.arrivals, looked at
  std::vector<size_t> unheard_;  ///< arrivals of this service
  discovery::Siblings siblings_;
  discovery::DiscoveryLoop loop_;
  std::vector<std::unique_ptr<Further>> further_;
};

}  // namespace kite::fleet
