#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "event/reactor.h"
#include "http/http_client.h"
#include "sys/random.h"
#include "tests/fleet/cluster.h"
#include "tests/fleet/token_bucket.h"

namespace kite::fleet {

/// What happened in each second since the beginning.
struct Counts {
  uint32_t calls = 0;      ///< of kites, to the bucket of ECS cluster reads or of DiscoverInstances
  uint32_t revisions = 0;  ///< of kites, to that of DiscoverInstancesRevision
  uint32_t throttled = 0;  ///< of both
  uint32_t outside_calls = 0;
  uint32_t outside_throttled = 0;
};

/// ECS, EC2 and Cloud Map of one account and region, behind a network with latency: what every
/// kite's HTTP client is connected to. One bucket for ListTasks, DescribeTasks and
/// DescribeContainerInstances, one each for the others.
class Cloud {
 public:
  struct Options {
    TokenBucket::Size bucket;
    double discoveries_per_second = 1000;
    sys::Duration latency_min = std::chrono::milliseconds(30);
    sys::Duration latency_spread = std::chrono::milliseconds(60);
  };

  Cloud(event::Reactor& reactor, Cluster& cluster, sys::Random& random, Options options);

  /// The answer to a request that arrives now.
  http::Outcome answer(const http::Request& request);
  /// Somebody else's call to the shared bucket: a console, a deploy tool.
  void call_from_outside();
  /// While down, requests end in 503 or in no answer at all.
  void set_down(bool down) { down_ = down; }

  sys::Duration one_way();
  event::Reactor& reactor() { return reactor_; }
  const std::vector<Counts>& seconds() const { return seconds_; }
  uint64_t other_throttled() const { return other_throttled_; }  ///< by the other buckets

 private:
  Counts& now_counts();
  http::Outcome answer_ecs(const http::Request& request, std::string_view operation);
  http::Outcome answer_ec2(const http::Request& request);
  http::Outcome answer_cloud_map(const http::Request& request, std::string_view operation);
  http::Outcome fail();

  event::Reactor& reactor_;
  Cluster& cluster_;
  sys::Random& random_;
  const Options options_;
  const sys::SteadyTime start_;
  TokenBucket reads_;
  TokenBucket instances_;
  TokenBucket discoveries_;
  TokenBucket revisions_;
  bool down_ = false;
  std::vector<Counts> seconds_;
  uint64_t other_throttled_ = 0;
};

/// One kite's HTTP client: a request takes its way to the cloud, the answer its way back.
/// Lifetime:  outlives its tickets.
class Wire final : public http::Client {
 public:
  /// `on_described` is told when tasks were described.
  Wire(Cloud& cloud, std::function<void()> on_described)
      : cloud_(cloud), on_described_(std::move(on_described)) {}
  /// What the cloud says of a request that arrives now.
  http::Outcome arrive(const http::Request& request);
  Cloud& cloud() { return cloud_; }

  std::unique_ptr<http::Ticket> start(http::Request request, http::OnDone on_done) override;
  std::unique_ptr<http::Ticket> later(std::function<void()> action) override;

 private:
  Cloud& cloud_;
  std::function<void()> on_described_;
};

}  // namespace kite::fleet
