#include "discovery/instance_filter.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/discovery/cycle_harness.h"
#include "tests/support/fake_cloud_map.h"

namespace kite::discovery {

namespace {

struct Facts {
  Facts() {
    target.namespace_name = "shop";
    target.service = "orders";
    target.cluster.clear();
  }
  aws::RegisteredInstance& add(const std::string& id, uint16_t port) {
    return registry.add(id, "10.0.0." + id.substr(1), port);
  }
  /// An instance that is reached at its host: bridge or host mode.
  aws::RegisteredInstance& add_on_host(const std::string& id, uint16_t port) {
    aws::RegisteredInstance& instance = add(id, port);
    instance.on_instance = true;
    return instance;
  }
  Selection select() const {
    RegisteredById by_id;
    for (const auto& [id, instance] : registry.instances) by_id[id] = instance;
    return select_instances(by_id, target);
  }
  /// "80: 10.0.0.1:80 10.0.0.2:80; 443: ..."
  std::string served() const {
    const Selection selection = select();
    std::string text;
    for (const snapshot::PortBackends& port : selection.snapshot.ports()) {
      if (!text.empty()) text += "; ";
      text += std::to_string(port.container_port) + ":";
      for (const snapshot::Backend& backend : port.backends) text += " " + backend.endpoint.text();
    }
    return text;
  }
  std::string left_out() const { return exclusions_text(select().exclusions); }

  testing::FakeCloudMap registry;
  Target target;
};

}  // namespace

TEST_CASE("instances: without -port AWS_INSTANCE_PORT is the port, at an address of one's own") {
  Facts facts;
  facts.add("t1", 8080);
  facts.add("t2", 8080);
  facts.add("t3", 9090);
  CHECK(facts.served() == "8080: 10.0.0.1:8080 10.0.0.2:8080; 9090: 10.0.0.3:9090");
  facts.add("t3", 0);
  CHECK(facts.left_out() == "t3 no_ports");
  CHECK(facts.select().exclusions[0].detail ==
        "it has no AWS_INSTANCE_PORT: give -port, or the service an SRV record");
}

TEST_CASE("instances: -port is served at an address of one's own, whatever is registered") {
  Facts facts;
  facts.target.ports = {80, 9102};
  facts.add("t1", 0);
  facts.add("t2", 80);
  CHECK(facts.served() == "80: 10.0.0.1:80 10.0.0.2:80; 9102: 10.0.0.1:9102 10.0.0.2:9102");
}

TEST_CASE("instances: at a host's address the registered port is the container's one -port") {
  Facts facts;
  facts.add_on_host("t1", 32771);
  facts.add_on_host("t2", 40000);
  facts.target.ports = {8080};
  CHECK(facts.served() == "8080: 10.0.0.1:32771 10.0.0.2:40000");
  facts.target.ports = {8080, 32771};  // only one of which can be known
  CHECK(facts.served() == "8080:; 32771: 10.0.0.1:32771");
  CHECK(facts.left_out() == "t2 no_ports");
}

TEST_CASE("instances: ports that Docker chose are no ports to listen on") {
  Facts facts;
  facts.add_on_host("t1", 32771);
  CHECK(facts.served().empty());
  CHECK(facts.left_out() == "t1 no_ports");
  CHECK(facts.select().exclusions[0].detail ==
        "its port 32771 is its host's, not its container's: give one -port, the container's");
  Facts fixed;
  fixed.add_on_host("t1", 8080);
  fixed.add_on_host("t2", 8080);
  CHECK(fixed.served() == "8080: 10.0.0.1:8080 10.0.0.2:8080");
  fixed.add_on_host("t2", 8081);
  CHECK(fixed.served().empty());
}

TEST_CASE("instances: IPv4 before IPv6, and without either no backend") {
  Facts facts;
  facts.add("t1", 80).ipv6 = "fd00::1";
  aws::RegisteredInstance& second = facts.add("t2", 80);
  second.ipv4.clear();
  second.ipv6 = "fd00::2";
  facts.add("t3", 80).ipv4.clear();
  facts.add("t4", 80).ipv4 = "orders.example";
  CHECK(facts.served() == "80: 10.0.0.1:80 [fd00::2]:80");
  CHECK(facts.left_out() == "t3 no_address, t4 no_address");
}

TEST_CASE("instances: UNHEALTHY is left out unless all that can be reached are") {
  Facts facts;
  facts.add("t1", 80).health = "UNHEALTHY";
  facts.add("t2", 80).health = "UNKNOWN";
  facts.add("t3", 80).health.clear();
  CHECK(facts.served() == "80: 10.0.0.2:80 10.0.0.3:80");
  CHECK(facts.left_out() == "t1 unhealthy");
  for (const char* id : {"t2", "t3"}) facts.registry.instances[id].health = "UNHEALTHY";
  CHECK(facts.served() == "80: 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
  facts.add("t4", 80).ipv4.clear();  // healthy, but nobody can reach it
  CHECK(facts.served() == "80: 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
}

TEST_CASE("instances: cluster and family narrow down, also what ECS did not register") {
  Facts facts;
  aws::RegisteredInstance& first = facts.add("t1", 80);
  first.cluster = "prod";
  first.family = "orders";
  facts.add("t2", 80).cluster = "test";
  facts.add("t3", 80);
  CHECK(facts.served() == "80: 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
  facts.target.cluster = "arn:aws:ecs:eu-west-1:111122223333:cluster/prod";
  CHECK(facts.served() == "80: 10.0.0.1:80");
  CHECK(facts.left_out() == "t2 other_tags, t3 other_tags");
  CHECK(facts.select().exclusions[1].detail == "its ECS_CLUSTER_NAME is not told");
  facts.target.family = "users";
  CHECK(facts.served().empty());
}

TEST_CASE("instances: id and zone go into the set") {
  Facts facts;
  facts.add("t1", 80);
  CHECK(facts.select().snapshot.tasks() ==
        std::vector<snapshot::BackendTask>{{"t1", "eu-west-1a"}});
}

}  // namespace kite::discovery
