#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/discovery/cycle_harness.h"

namespace kite::discovery {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::binding;
using testing::FakeCluster;

namespace {

/// A cycle that remembers, polled by hand. Polls list, and renew nothing that is settled.
class Delta : public CycleHarness {
 public:
  explicit Delta(Target target = default_target()) : CycleHarness(std::move(target), Freshness{}) {
    occasion.kind = PollKind::listing;
  }
  const CycleResult& round_after(sys::Duration pause) {
    occasion.kind = PollKind::round;
    const CycleResult& result = poll_after(pause);
    occasion.kind = PollKind::listing;
    return result;
  }
  const CycleResult& poll_after(sys::Duration pause) {
    clock.advance(pause);
    turn();
    return run();
  }
  aws::Task& task(const std::string& id) { return cluster.tasks.at(FakeCluster::task_arn(id)); }
  /// The ids of the tasks that the last poll described.
  std::vector<std::string> described() const {
    std::vector<std::string> ids;
    for (const auto& exchange : api.exchanges) {
      if (exchange->operation != "ecs:DescribeTasks") continue;
      for (const std::string& arn : exchange->ids) ids.emplace_back(arn_id(arn));
    }
    return ids;
  }
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("delta: an unchanged list of settled tasks costs one call, and gives the same set") {
  Delta delta;
  fill(delta.cluster, 20, 3);
  const snapshot::SnapshotPtr first = delta.run().snapshot;
  for (int poll = 1; poll <= 4; ++poll) {
    const CycleResult& result = delta.poll_after(seconds(5));
    CHECK(result.calls == 1);
    CHECK(result.complete);
    CHECK(result.snapshot == first);
  }
}

TEST_CASE("delta: a round renews descriptions and lists nothing; without news nothing changes") {
  Delta delta;
  fill(delta.cluster, 2, 1);
  const snapshot::SnapshotPtr first = delta.run().snapshot;
  const CycleResult& calm = delta.round_after(seconds(26));
  CHECK(calm.snapshot == first);
  CHECK(calm.listing == Listing::skipped);
  CHECK(calm.tasks_listed == 2);
  CHECK(calm.oldest_description == delta.clock.steady_now());
  CHECK(delta.described() == Ids{"t1000", "t1001"});
  CHECK(delta.api.count() == 1);
  delta.task("t1001").containers[0].health_status = "UNHEALTHY";
  CHECK(delta.poll_after(seconds(5)).snapshot == first);
  CHECK(delta.round_after(seconds(21)).snapshot->backend_count() == 1);
}

TEST_CASE("delta: a round takes away what is MISSING, and the next listing may bring it back") {
  Delta delta;
  fill(delta.cluster, 2, 1);
  delta.run();
  delta.cluster.missing.insert(FakeCluster::task_arn("t1001"));
  const CycleResult& result = delta.round_after(seconds(26));
  CHECK(result.snapshot->backend_count() == 1);
  CHECK(exclusions_text(result.exclusions) == "t1001 missing");
  delta.cluster.missing.clear();
  CHECK(delta.round_after(seconds(26)).snapshot->backend_count() == 1);
  CHECK(delta.poll_after(seconds(5)).snapshot->backend_count() == 2);
}

TEST_CASE("delta: a cycle throttled half way makes no further call, and the next goes on there") {
  Delta delta;
  fill(delta.cluster, 800, 10);
  delta.api.forget();
  delta.cycle.start(delta.occasion);
  delta.turn();
  const CycleResult first = delta.finish("ecs:DescribeTasks", aws::ErrorClass::throttled);
  CHECK(first.throttled);
  CHECK(first.listing == Listing::complete);
  CHECK(delta.api.count("ecs:DescribeTasks") == CallQueue::kInFlightMax);
  CHECK(delta.api.count("ecs:DescribeContainerInstances") == 0);
  CHECK(first.exclusions.size() == 800);
  const CycleResult& second = delta.round_after(seconds(60));
  CHECK(second.complete);
  CHECK(second.snapshot->backend_count() == 800);
  CHECK(delta.api.count("ecs:ListTasks") == 0);
  CHECK(delta.api.count("ecs:DescribeTasks") == 8);
}

TEST_CASE("delta: a new task is described alone, a task that left costs nothing") {
  Delta delta;
  fill(delta.cluster, 20, 3);
  delta.run();
  delta.cluster.add_bridge_task("t2000", delta.cluster.instance_ids.begin()->first,
                                {binding(80, 999)});
  CHECK(delta.poll_after(seconds(5)).snapshot->backend_count() == 21);
  CHECK(delta.described() == Ids{"t2000"});
  CHECK(delta.api.count() == 2);
  delta.cluster.tasks.erase(FakeCluster::task_arn("t1003"));
  const CycleResult& result = delta.poll_after(seconds(5));
  CHECK(result.snapshot->backend_count() == 20);
  CHECK(result.calls == 1);
}

TEST_CASE("delta: a task that is not settled is described in every poll, until it is") {
  Delta delta;
  fill(delta.cluster, 3, 1);
  aws::Task& late = delta.task("t1001");
  const aws::Task ready = late;
  SUBCASE("not running") {
    late.last_status = "ACTIVATING";
  }
  SUBCASE("told to stop") {
    late.desired_status = "STOPPED";
  }
  SUBCASE("its container not running") {
    late.containers[0].last_status = "PENDING";
  }
  SUBCASE("no port bound yet") {
    late.containers[0].bindings.clear();
  }
  SUBCASE("no place yet") {
    late.container_instance_arn.clear();
  }
  SUBCASE("an interface without an address") {
    late.eni = aws::TaskEni{"eni-1", "", ""};
  }
  SUBCASE("never described") {
    delta.cluster.missing.insert(FakeCluster::task_arn("t1001"));
  }
  delta.run();
  for (int poll = 0; poll < 3; ++poll) {
    delta.poll_after(seconds(5));
    CHECK(delta.described() == Ids{"t1001"});
  }
  late = ready;
  delta.cluster.missing.clear();
  CHECK(delta.poll_after(seconds(5)).snapshot->backend_count() == 3);
  delta.poll_after(sys::Duration::zero());
  CHECK(delta.described().empty());
}

TEST_CASE("delta: what is known of a task that cannot serve is settled too") {
  Delta delta;
  fill(delta.cluster, 2, 1);
  SUBCASE("unhealthy") {
    delta.task("t1000").containers[0].health_status = "UNHEALTHY";
  }
  SUBCASE("without the container") {
    delta.task("t1000").containers[0].name = "other";
  }
  delta.run();
  CHECK(delta.poll_after(seconds(5)).exclusions.size() == 1);
  CHECK(delta.api.count() == 1);
}

TEST_CASE("delta: a large cluster is described in six rounds of full chunks") {
  Delta delta;
  constexpr size_t kTasks = 5000;
  fill(delta.cluster, kTasks, 500);
  delta.run();
  CHECK(delta.api.count("ecs:DescribeTasks") == 50);
  for (int round = 1; round <= 12; ++round) {
    CAPTURE(round);
    CHECK(delta.round_after(seconds(5)).complete);
    CHECK(delta.api.count() == 9);
    CHECK(delta.described().size() == 900);
    const auto oldest = delta.results.back().oldest_description;
    REQUIRE(oldest.has_value());
    CHECK(delta.clock.steady_now() - *oldest <= seconds(30));
  }
}

TEST_CASE("delta: in a round what is new takes places in the calls, and the oldest fill the rest") {
  Delta delta;
  fill(delta.cluster, 150, 3);
  delta.run();
  for (int i = 0; i < 30; ++i) {
    delta.cluster.add_bridge_task("t3" + std::to_string(100 + i),
                                  delta.cluster.instance_ids.begin()->first,
                                  {binding(80, static_cast<uint16_t>(900 + i))});
  }
  delta.occasion.kind = PollKind::both;
  delta.poll_after(seconds(11));
  CHECK(delta.api.count("ecs:DescribeTasks") == 2);
  CHECK(delta.described().size() == 180);
  delta.round_after(seconds(11));
  CHECK(delta.described().size() == 100);
}

TEST_CASE("delta: a poll that was asked for describes the oldest chunk at least") {
  Delta delta;
  fill(delta.cluster, 150, 3);
  delta.run();
  delta.occasion.hinted = true;
  delta.poll_after(seconds(1));
  const Ids first = delta.described();
  CHECK(first.size() == 100);
  delta.poll_after(seconds(1));
  const Ids second = delta.described();
  CHECK(second.size() == 100);
  for (size_t i = 1100; i < 1150; ++i) {  // the rest of them had their turn
    CHECK(std::count(second.begin(), second.end(), "t" + std::to_string(i)) == 1);
  }
  CHECK(delta.api.count() == 3);  // two pages of the list
}

TEST_CASE("delta: a description that fails is asked for again in the next poll") {
  Delta delta;
  fill(delta.cluster, 2, 1);
  const snapshot::SnapshotPtr first = delta.run().snapshot;
  delta.clock.advance(seconds(26));
  delta.turn();
  delta.occasion.kind = PollKind::round;
  CHECK(delta.run("ecs:DescribeTasks").snapshot == first);
  CHECK(delta.round_after(seconds(5)).complete);
  CHECK(delta.described().size() == 2);
  CHECK(delta.poll_after(seconds(5)).calls == 1);
}

TEST_CASE("delta: addresses of instances are asked for again after five minutes") {
  Delta delta;
  fill(delta.cluster, 4, 2);
  delta.run();
  size_t asked = 0;
  for (int poll = 1; poll < 60; ++poll) {
    delta.poll_after(seconds(5));
    asked += delta.api.count("ec2:DescribeInstances");
  }
  CHECK(asked == 0);
  delta.cluster.instances.at("i-1001").private_ip = "10.9.9.9";
  delta.poll_after(seconds(5));
  CHECK(delta.api.count("ec2:DescribeInstances") == 1);
  CHECK(endpoints_text(*delta.results.back().snapshot, 80).find("10.9.9.9") != std::string::npos);
}

TEST_CASE("delta: an instance that does not serve, or is suspected, is asked for after 30 s") {
  Delta delta;
  fill(delta.cluster, 4, 2);
  SUBCASE("pending") {
    delta.cluster.instances.at("i-1001").state = "pending";
  }
  SUBCASE("suspected") {
    delta.occasion.hinted = true;
  }
  delta.run();
  delta.poll_after(seconds(29));
  CHECK(delta.api.count("ec2:DescribeInstances") == 0);
  delta.poll_after(seconds(1));
  CHECK(delta.api.count("ec2:DescribeInstances") == 1);
}

TEST_CASE("delta: an instance that EC2 does not know is asked for every 30 s, not in every poll") {
  Delta delta;
  fill(delta.cluster, 4, 2);
  delta.cluster.instances.erase("i-1001");
  CHECK(delta.run().exclusions.size() == 2);
  for (int poll = 1; poll <= 5; ++poll) CHECK(delta.poll_after(seconds(5)).calls == 1);
  delta.poll_after(seconds(5));
  CHECK(delta.api.count("ec2:DescribeInstances") == 1);
}

TEST_CASE("delta: public addresses of interfaces are renewed after five minutes") {
  Target target = CycleHarness::default_target();
  target.ports = {80};
  target.use_public_addresses = true;
  Delta delta(target);
  delta.cluster.add_fargate_task("t1", "10.0.0.1", "");
  delta.cluster.enis["eni-t1"].public_ip = "198.51.100.1";
  delta.run();
  delta.poll_after(minutes(5) - seconds(1));
  CHECK(delta.api.count("ec2:DescribeNetworkInterfaces") == 0);
  delta.cluster.enis["eni-t1"].public_ip = "198.51.100.2";
  const CycleResult& result = delta.poll_after(seconds(1));
  CHECK(delta.api.count("ec2:DescribeNetworkInterfaces") == 1);
  CHECK(endpoints_text(*result.snapshot, 80) == "198.51.100.2:80");
  delta.cluster.enis["eni-t1"].public_ip = "";
  delta.poll_after(minutes(5));
  CHECK(exclusions_text(delta.results.back().exclusions) == "t1 missing_public_address");
  delta.poll_after(seconds(30));
  CHECK(delta.api.count("ec2:DescribeNetworkInterfaces") == 1);
}

}  // namespace kite::discovery
