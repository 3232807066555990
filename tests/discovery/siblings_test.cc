#include "discovery/siblings.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/discovery/siblings_fixture.h"

namespace kite::discovery {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::FakeCluster;
using Member = SiblingsFixture::Member;

TEST_CASE("siblings: a target alone makes the calls of one that knows of no siblings") {
  std::vector<std::vector<SiblingsFixture::Made>> runs;
  for (const bool shares : {false, true}) {
    SiblingsFixture fixture;
    for (uint16_t i = 0; i < 130; ++i) {
      fixture.add_task("web", "t" + std::to_string(1000 + i), static_cast<uint16_t>(32000 + i));
    }
    fixture.add(SiblingsFixture::target("web"), shares);
    fixture.start();
    fixture.run_for(minutes(3));
    fixture.add_task("web", "t2000", 40000);
    fixture.run_for(minutes(3));
    runs.push_back(fixture.calls);
  }
  CHECK(runs[0].size() > 50);
  CHECK(runs[0] == runs[1]);
}

TEST_CASE("siblings: three targets begin with one call for what they have in common") {
  SiblingsFixture fixture;
  fixture.random.jitters = {milliseconds(100), milliseconds(300), milliseconds(200)};
  fixture.add_task("web", "w1", 32001);
  fixture.add_task("db", "d1", 32002);
  Member& web = fixture.add(SiblingsFixture::target("web"));
  Member& db = fixture.add(SiblingsFixture::target("db"));
  Member& same = fixture.add(SiblingsFixture::target("web"));
  fixture.start();
  fixture.run_for(seconds(2));
  CHECK(fixture.count("ecs:ListTasks") == 2);
  CHECK(fixture.count("ecs:DescribeTasks") == 1);
  CHECK(fixture.count("ecs:DescribeContainerInstances") == 1);
  CHECK(fixture.count("ec2:DescribeInstances") == 1);
  CHECK(web.endpoints() == "10.0.0.1:32001");
  CHECK(db.endpoints() == "10.0.0.1:32002");
  CHECK(same.endpoints() == web.endpoints());
}

TEST_CASE("siblings: targets of other clusters are nobody to share with") {
  SiblingsFixture fixture;
  fixture.add_task("web", "w1", 32001);
  Target other = SiblingsFixture::target("web");
  other.cluster = "other";
  fixture.add(SiblingsFixture::target("web"));
  fixture.add(other);
  fixture.start();
  fixture.run_for(seconds(2));
  CHECK(fixture.count("ecs:ListTasks") == 2);
  CHECK(fixture.count("ecs:DescribeTasks") == 2);
}

TEST_CASE("siblings: one round of descriptions is enough for all") {
  TwoFamilies two;
  two.run_for(minutes(1));
  two.forget();
  two.run_for(minutes(10));
  // 600 s / 27.6 s; alone each target would make as many.
  CHECK(two.count("ecs:DescribeTasks") <= 22);
  CHECK(two.count("ecs:DescribeTasks") >= 20);
  // 600 s / 18 s for each.
  CHECK(two.count("ecs:ListTasks") <= 2 * 34);
  CHECK(two.count("ec2:DescribeInstances") <= 2);  // every 5 minutes
  CHECK(two.count("ecs:DescribeContainerInstances") == 0);
}

TEST_CASE("siblings: no description grows older than 30 s, whoever renews it") {
  SiblingsFixture fixture;
  for (uint16_t i = 0; i < 60; ++i) {  // three times 60 do not fit into one call
    for (const char* family : {"a", "b", "c"}) {
      fixture.add_task(family, family + std::to_string(100 + i), static_cast<uint16_t>(31000 + i));
    }
  }
  std::map<std::string, sys::SteadyTime> described;
  sys::Duration oldest{};
  for (const char* family : {"a", "b", "c"}) fixture.add(SiblingsFixture::target(family));
  fixture.answer = [&](size_t index) {
    if (fixture.api.at(index).operation != "ecs:DescribeTasks") return false;
    const sys::SteadyTime now = fixture.clock.steady_now();
    for (const std::string& arn : fixture.api.at(index).ids) {
      const auto before = described.find(arn);
      if (before != described.end()) oldest = std::max(oldest, now - before->second);
      described[arn] = now;
    }
    return false;
  };
  fixture.start();
  fixture.run_for(minutes(1));
  fixture.forget();
  fixture.run_for(minutes(10));
  CHECK(described.size() == 180);
  CHECK(oldest <= seconds(30));
  CHECK(oldest > seconds(20));
  // Two calls hold 180 tasks; three targets alone make three calls in 27.6 s.
  CHECK(fixture.count("ecs:DescribeTasks") <= 46);
}

TEST_CASE("siblings: what a sibling's call tells is published at once") {
  TwoFamilies two;
  const std::string sick = two.add_task("db", "d2", 32003);
  two.add_task("web", "w2", 32004);
  two.run_for(minutes(1));
  CHECK(two.db->endpoints() == "10.0.0.1:32002 10.0.0.1:32003");
  set_health(two, sick, "UNHEALTHY");
  set_status(two, two.web_task, "STOPPING");
  two.forget();
  const size_t index = two.run_until_open("ecs:DescribeTasks");
  REQUIRE(two.api.at(index).ids.size() == 4);
  const uint64_t polls = two.db->stats().cycles_complete + two.web->stats().cycles_complete;
  two.answer_all();
  CHECK(two.count("ecs:DescribeTasks") == 1);
  CHECK(two.web->endpoints() == "10.0.0.1:32004");
  CHECK(two.db->endpoints() == "10.0.0.1:32002");
  // One poll asked; who was told counts none, unless its own round was due in the same moment.
  CHECK(two.db->stats().cycles_complete + two.web->stats().cycles_complete <= polls + 2);
  set_health(two, sick, "HEALTHY");
  set_status(two, two.web_task, "RUNNING");
  two.run_for(seconds(31));
  CHECK(two.web->endpoints() == "10.0.0.1:32001 10.0.0.1:32004");
  CHECK(two.db->endpoints() == "10.0.0.1:32002 10.0.0.1:32003");
}

TEST_CASE("siblings: a task that is new to one is described with what others have oldest") {
  TwoFamilies two;
  two.run_for(minutes(1));
  two.run_until_open("ecs:DescribeTasks");  // a round
  two.answer_all();
  two.run_for(seconds(16));
  const std::string arn = two.add_task("web", "w2", 32003);
  two.forget();
  two.web->loop->poll_soon();
  const size_t index = two.run_until_open("ecs:DescribeTasks");
  const sys::SteadyTime at = two.clock.steady_now();
  const bool all = two.api.at(index).ids == std::vector{two.db_task, two.web_task, arn};
  CHECK(all);
  two.answer_all();
  CHECK(two.web->endpoints() == "10.0.0.1:32001 10.0.0.1:32003");
  two.run_until_open("ecs:DescribeTasks");
  CHECK(two.clock.steady_now() - at >= seconds(27));
}

TEST_CASE("siblings: who asks the same question has one listing, and one description of news") {
  TwoOfOneFamily fixture;
  fixture.run_for(minutes(1));
  fixture.forget();
  fixture.run_for(minutes(5));
  CHECK(fixture.count("ecs:ListTasks") <= 17);      // 300 s / 18 s
  CHECK(fixture.count("ecs:DescribeTasks") <= 11);  // 300 s / 27.6 s
  fixture.add_task("web", "w2", 32002);
  fixture.forget();
  const size_t index = fixture.run_until_open("ecs:ListTasks");
  fixture.cluster.answer(fixture.api, index);
  fixture.answer_all();
  CHECK(fixture.one.endpoints() == "10.0.0.1:32001 10.0.0.1:32002");
  CHECK(fixture.two.endpoints() == fixture.one.endpoints());
  CHECK(fixture.count("ecs:ListTasks") == 1);
  CHECK(fixture.count("ecs:DescribeTasks") == 1);
  fixture.cluster.tasks.erase(FakeCluster::task_arn("w1"));
  fixture.run_for(seconds(21));
  CHECK(fixture.one.endpoints() == "10.0.0.1:32002");
  CHECK(fixture.two.endpoints() == fixture.one.endpoints());
}

TEST_CASE("siblings: who wants tags gets them in a call that another makes") {
  SiblingsFixture fixture;
  const std::string arn = fixture.add_task("web", "w1", 32001);
  fixture.cluster.tasks.at(arn).tags = std::vector<aws::Tag>{{"side", "blue"}};
  Target tagged = SiblingsFixture::target("web");
  tagged.tags = {{"side", "blue"}};
  Member& plain = fixture.add(SiblingsFixture::target("web"));
  Member& blue = fixture.add(tagged);
  fixture.add_task("db", "d1", 32002);
  fixture.start();
  fixture.run_for(minutes(2));
  CHECK(plain.endpoints() == "10.0.0.1:32001");
  CHECK(blue.endpoints() == "10.0.0.1:32001");
  for (const auto& exchange : fixture.api.exchanges) {
    if (exchange->operation != "ecs:DescribeTasks") continue;
    CHECK(exchange->tags == aws::EcsApi::TaskTags::include);
  }
  fixture.cluster.tasks.at(arn).tags = std::vector<aws::Tag>{{"side", "green"}};
  fixture.run_for(seconds(31));
  CHECK(plain.endpoints() == "10.0.0.1:32001");
  CHECK(blue.endpoints() == "no port");
}

TEST_CASE("siblings: what one has looked up the other takes over, definitions too") {
  SiblingsFixture fixture;
  const std::string definition = FakeCluster::definition_arn("web", 7);
  fixture.cluster.add_definition(definition, "awsvpc", {80});
  fixture.cluster.add_fargate_task("w1", "10.0.1.1", definition);
  Member& one = fixture.add(SiblingsFixture::target("web"));
  Member& two = fixture.add(SiblingsFixture::target("web"));
  fixture.start();
  fixture.run_for(minutes(1));
  CHECK(one.endpoints() == "10.0.1.1:80");
  CHECK(two.endpoints() == "10.0.1.1:80");
  CHECK(fixture.count("ecs:DescribeTaskDefinition") == 1);
}

TEST_CASE("siblings: another container of the same task is told by the same calls") {
  SiblingsFixture fixture;
  const std::string arn = fixture.add_task("web", "w1", 32001);
  aws::Container side = fixture.cluster.tasks.at(arn).containers.at(0);
  side.name = "side";
  side.bindings = {testing::binding(81, 32101)};
  fixture.cluster.tasks.at(arn).containers.push_back(side);
  Member& app = fixture.add(SiblingsFixture::target("web"));
  Member& other = fixture.add(SiblingsFixture::target("web", "side"));
  fixture.start();
  fixture.run_for(minutes(1));
  CHECK(app.endpoints(80) == "10.0.0.1:32001");
  CHECK(other.endpoints(81) == "10.0.0.1:32101");
  fixture.cluster.tasks.at(arn).containers.at(1).last_status = "STOPPED";
  fixture.run_for(seconds(31));
  CHECK(app.endpoints(80) == "10.0.0.1:32001");
  CHECK(other.endpoints(81) == "no port");
  fixture.cluster.tasks.at(arn).containers.at(1).last_status = "RUNNING";
  fixture.run_for(minutes(1));
  fixture.forget();
  fixture.run_for(minutes(5));
  CHECK(fixture.count("ecs:ListTasks") <= 17);
  CHECK(fixture.count("ecs:DescribeTasks") <= 11);
}

TEST_CASE("siblings: what others tell does not put a listing off") {
  TwoFamilies two;
  two.run_for(minutes(1));
  std::vector<sys::SteadyTime> listings;
  two.answer = [&](size_t index) {
    const auto& exchange = two.api.at(index);
    if (exchange.operation == "ecs:ListTasks" && exchange.list.family == "db") {
      listings.push_back(two.clock.steady_now());
    }
    return false;
  };
  for (int i = 0; i < 60; ++i) {  // news of both with each call
    const std::string status = i % 2 == 0 ? "STOPPING" : "RUNNING";
    set_status(two, two.db_task, status);
    set_status(two, two.web_task, status);
    two.web->loop->poll_soon();
    two.run_for(seconds(10));
  }
  REQUIRE(listings.size() > 20);
  for (size_t i = 1; i < listings.size(); ++i) {
    CHECK(listings[i] - listings[i - 1] <= seconds(23));
  }
}

}  // namespace kite::discovery
