// What becomes of shared calls that fail, hang, are refused or lose who made them.

#include <doctest/doctest.h>

#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "sys/random.h"
#include "tests/discovery/siblings_fixture.h"

namespace kite::discovery {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::FakeCluster;
using Member = SiblingsFixture::Member;

TEST_CASE("siblings: MISSING takes a sibling's task away, other failures do not") {
  for (const std::string reason : {"MISSING", "INTERNAL"}) {
    CAPTURE(reason);
    TwoFamilies two;
    two.add_task("web", "w2", 32003);
    two.add_task("db", "d2", 32004);
    two.run_for(minutes(1));
    two.forget();
    const size_t index = two.run_until_open("ecs:DescribeTasks");
    aws::Described<aws::Task> answer;
    answer.failures = {{two.web_task, reason}, {two.db_task, reason}};
    two.api.answer(index, std::move(answer));
    two.paused = true;
    for (int i = 0; i < 20; ++i) two.answer_all();
    two.paused = false;
    const bool gone = reason == "MISSING";
    CHECK(two.web->endpoints() == (gone ? "10.0.0.1:32003" : "10.0.0.1:32001 10.0.0.1:32003"));
    CHECK(two.db->endpoints() == (gone ? "10.0.0.1:32004" : "10.0.0.1:32002 10.0.0.1:32004"));
    two.run_for(seconds(31));  // the listing names them still
    CHECK(two.web->endpoints() == "10.0.0.1:32001 10.0.0.1:32003");
    CHECK(two.db->endpoints() == "10.0.0.1:32002 10.0.0.1:32004");
  }
}

TEST_CASE("siblings: a description that says too little takes nothing from a sibling") {
  TwoFamilies two;
  two.run_for(minutes(1));
  const size_t index = two.run_until_open("ecs:DescribeTasks");
  aws::Described<aws::Task> answer;
  for (const std::string& arn : two.api.at(index).ids) {
    answer.items.emplace_back();
    answer.items.back().arn = arn;
    answer.items.back().last_status = "RUNNING";
    answer.items.back().desired_status = "RUNNING";
  }
  two.api.answer(index, std::move(answer));
  for (int i = 0; i < 8; ++i) two.turn();
  CHECK(two.web->endpoints() == "10.0.0.1:32001");
  CHECK(two.db->endpoints() == "10.0.0.1:32002");
}

TEST_CASE("siblings: a shared call that fails takes nothing, and who waited asks for itself") {
  TwoFamilies two;
  two.add_task("db", "d2", 32003);
  two.run_for(minutes(1));
  two.forget();
  const size_t index = two.run_until_open("ecs:DescribeTasks");
  REQUIRE(two.api.at(index).ids.size() == 3);
  set_status(two, two.db_task, "STOPPING");
  two.api.fail(index, aws::ErrorClass::transient, "Timeout");
  CHECK(two.web->endpoints() == "10.0.0.1:32001");
  CHECK(two.db->endpoints() == "10.0.0.1:32002 10.0.0.1:32003");
  two.answer_all();  // the other round was due in the same moment
  CHECK(two.count("ecs:DescribeTasks") == 2);
  CHECK(two.web->endpoints() == "10.0.0.1:32001");
  CHECK(two.db->endpoints() == "10.0.0.1:32003");
  CHECK(two.web->stats().cycles_partial + two.db->stats().cycles_partial == 1);
}

TEST_CASE("siblings: whose tasks were in a call that failed asks when it would have asked anyway") {
  TwoFamilies two;
  two.add_task("db", "d2", 32003);
  two.random.jitters = {};
  two.run_for(minutes(1));
  two.web->loop->poll_soon();
  two.run_for(seconds(1));
  two.web->loop->poll_soon();  // with others' oldest, were they old
  const auto fails = [&two](size_t index) {
    if (two.api.at(index).operation != "ecs:DescribeTasks") return false;
    two.api.fail(index, aws::ErrorClass::transient, "Timeout");
    return true;
  };
  two.run_until_open("ecs:DescribeTasks");
  const sys::SteadyTime last = two.clock.steady_now();
  two.answer_all();
  two.run_for(seconds(20));
  two.answer = fails;
  two.web->loop->poll_soon();
  two.run_for(seconds(2));
  two.answer = nullptr;
  CHECK(two.web->endpoints() == "10.0.0.1:32001");
  CHECK(two.db->endpoints() == "10.0.0.1:32002 10.0.0.1:32003");
  set_status(two, two.db_task, "STOPPING");
  two.run_for(last + seconds(30) - two.clock.steady_now());
  CHECK(two.db->endpoints() == "10.0.0.1:32003");
}

TEST_CASE("siblings: an empty list that was shared must come twice for each") {
  TwoOfOneFamily fixture;
  fixture.run_for(minutes(1));
  fixture.cluster.tasks.clear();
  fixture.run_until_open("ecs:ListTasks");
  fixture.answer_all();
  CHECK(fixture.one.endpoints() == "10.0.0.1:32001");
  CHECK(fixture.two.endpoints() == "10.0.0.1:32001");
  fixture.run_for(seconds(20));
  CHECK(fixture.one.endpoints() == "no port");
  CHECK(fixture.two.endpoints() == "no port");
}

TEST_CASE("siblings: a listing that fails is made by who waited for it") {
  TwoOfOneFamily fixture;
  const size_t index = fixture.run_until_open("ecs:ListTasks");
  CHECK(fixture.api.open().size() == 1);
  fixture.api.fail(index, aws::ErrorClass::transient, "Timeout");
  fixture.answer_all();
  CHECK(fixture.count("ecs:ListTasks") == 2);
  CHECK(fixture.two.endpoints() == "10.0.0.1:32001");
  CHECK(fixture.one.stats().cycles_failed == 1);
  fixture.run_for(seconds(5));
  CHECK(fixture.one.endpoints() == "10.0.0.1:32001");
}

TEST_CASE(
    "siblings: what others tell makes no first set that is empty, and no poll that is counted") {
  SiblingsFixture fixture;
  const std::string pending = fixture.add_task("web", "w1", 32001);
  fixture.add_task("web", "w2", 32002);
  fixture.cluster.tasks.at(pending).last_status = "PENDING";
  fixture.add(SiblingsFixture::target("web"));
  Member& two = fixture.add(SiblingsFixture::target("web"));
  fixture.answer = [&fixture](size_t index) {
    if (fixture.api.at(index).operation != "ecs:DescribeTasks") return false;
    aws::Described<aws::Task> answer;  // one task, and nothing of the other
    answer.items.push_back(fixture.cluster.tasks.at(FakeCluster::task_arn("w1")));
    fixture.api.answer(index, std::move(answer));
    return true;
  };
  fixture.start();
  fixture.run_for(seconds(20));
  CHECK(two.endpoints() == "nothing known");
  CHECK(two.stats().cycles_complete == 0);
  fixture.answer = nullptr;
  fixture.run_for(seconds(21));
  CHECK(two.endpoints() == "10.0.0.1:32002");
}

TEST_CASE("siblings: nobody waits long for a call that hangs") {
  SiblingsFixture fixture;
  fixture.add_task("web", "w1", 32001);
  fixture.add(SiblingsFixture::target("web"));
  Member& two = fixture.add(SiblingsFixture::target("web"));
  fixture.start();
  const size_t hanging = fixture.run_until_open("ecs:ListTasks");
  fixture.answer = [hanging](size_t index) { return index == hanging; };
  fixture.paused = true;  // what hangs never lets the fixture come to rest
  fixture.clock.advance(milliseconds(999));
  for (int i = 0; i < 20; ++i) fixture.answer_all();
  CHECK(fixture.count("ecs:ListTasks") == 1);
  fixture.clock.advance(milliseconds(1));
  for (int i = 0; i < 40; ++i) fixture.answer_all();
  CHECK(fixture.count("ecs:ListTasks") == 2);
  CHECK(two.endpoints() == "10.0.0.1:32001");
}

TEST_CASE("siblings: the end of one that others wait for, or that waits, is harmless") {
  for (const size_t ending : {0U, 1U}) {
    for (const std::string operation :
         {"ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeContainerInstances",
          "ec2:DescribeInstances"}) {
      CAPTURE(ending);
      CAPTURE(operation);
      SiblingsFixture fixture;
      fixture.add_task("web", "w1", 32001);
      fixture.add(SiblingsFixture::target("web"));
      fixture.add(SiblingsFixture::target("web"));
      fixture.start();
      fixture.run_until_open(operation);
      CHECK(fixture.api.open().size() == 1);  // the other waits
      fixture.members[ending]->loop.reset();
      fixture.run_for(seconds(1));
      CHECK(fixture.members[1 - ending]->endpoints() == "10.0.0.1:32001");
      fixture.run_for(minutes(1));
    }
  }
}

TEST_CASE("siblings: a refusal is heard by all, also of other clusters, and counts once for each") {
  TwoFamilies two;
  Target foreign = SiblingsFixture::target("web");
  foreign.cluster = "other";
  Member& other = two.add(foreign);
  other.loop->start();
  two.run_for(minutes(1));
  two.random.jitters = {seconds(0), seconds(3), seconds(6)};
  two.web->loop->poll_soon();
  two.run_until_open("ecs:ListTasks");
  CHECK(two.api.open().size() == 1);
  ++two.api.throttled;
  two.answer_all();
  for (const auto& member : two.members) {
    CHECK(member->stats().throttled);
    CHECK(member->stats().poll_interval >= seconds(10));
    CHECK_FALSE(member->loop->poll_soon());
  }
  CHECK(two.web->stats().cycles_throttled == 1);
  CHECK(two.db->stats().cycles_throttled == 0);
  std::vector<sys::Duration> before;
  for (const auto& member : two.members) before.push_back(member->stats().poll_interval);
  two.run_until_open("ecs:ListTasks");
  CHECK(two.api.open().size() == 1);
  ++two.api.throttled;
  two.answer_all();
  size_t stretched = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (two.members[i]->stats().poll_interval > before[i]) ++stretched;
  }
  CHECK(stretched == 1);  // who met it
}

TEST_CASE("siblings: sets follow the cluster whatever happens to calls") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    sys::SeededRandom random(seed);
    SiblingsFixture fixture;
    fixture.add_task("web", "w0", 32000);
    fixture.add_task("db", "d0", 33000);
    const std::vector<std::string> families = {"web", "db", "web", "few"};
    for (const std::string& family : families) fixture.add(SiblingsFixture::target(family));
    bool rough = true;
    fixture.answer = [&](size_t index) {
      if (!rough || random.below(12) != 0) return false;
      const bool throttled = random.below(6) == 0;
      if (throttled) ++fixture.api.throttled;
      fixture.api.fail(index, throttled ? aws::ErrorClass::throttled : aws::ErrorClass::transient);
      return true;
    };
    fixture.start();
    for (uint16_t step = 1; step <= 60; ++step) {
      const std::string family = families[random.below(4)];
      const std::string id = family + std::to_string(step);
      switch (random.below(3)) {
        case 0:
          fixture.add_task(family, id, static_cast<uint16_t>(34000 + step));
          break;
        case 1:
          if (fixture.cluster.tasks.size() > 2) {
            fixture.cluster.tasks.erase(std::next(fixture.cluster.tasks.begin(), 1));
          }
          break;
        default:
          if (!fixture.cluster.tasks.empty()) {
            auto task =
                std::next(fixture.cluster.tasks.begin(),
                          random.below(static_cast<uint32_t>(fixture.cluster.tasks.size())));
            set_health(fixture, task->first, random.below(2) == 0 ? "UNHEALTHY" : "HEALTHY");
          }
      }
      fixture.run_for(milliseconds(random.below(9000)));
    }
    rough = false;
    fixture.run_for(minutes(150));  // a stretched interval comes back slowly
    for (size_t i = 0; i < families.size(); ++i) {
      CAPTURE(families[i]);
      std::set<std::string> all;
      std::set<std::string> expected;
      for (const auto& [arn, task] : fixture.cluster.tasks) {
        if (fixture.cluster.listed_by[arn] != families[i]) continue;
        all.emplace(arn_id(arn));
        if (task.containers[0].health_status != "UNHEALTHY") expected.emplace(arn_id(arn));
      }
      if (expected.empty()) expected = all;  // rather a sick one than none
      std::set<std::string> serving;
      const snapshot::SnapshotPtr& set = fixture.members[i]->cell.current();
      if (set != nullptr) {
        for (const snapshot::BackendTask& task : set->tasks()) serving.emplace(task.id.view());
      }
      CHECK(serving == expected);
    }
  }
}

}  // namespace kite::discovery
