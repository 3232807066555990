#include "discovery/backend_address.h"

#include <doctest/doctest.h>

namespace kite::discovery {

namespace {

/// One task on one instance, located by the pure function under test.
struct Place {
  aws::Task task;
  aws::Instance instance;
  Target target;
  Inventory inventory;
  NetworkMode mode = NetworkMode::bridge;

  Place() {
    task.arn = "arn:aws:ecs:r:1:task/default/t1";
    task.definition_arn = "arn:aws:ecs:r:1:task-definition/web:1";
    task.container_instance_arn = "ci";
    task.containers = {{"app", "RUNNING", "", {}}};
    instance.id = "i-1";
    instance.state = "running";
    instance.private_ip = "10.0.0.1";
    inventory.learn_container_instance({"ci", "i-1"});
  }
  void bind(const char* bind_ip, aws::PortRange container, aws::PortRange host,
            const char* protocol = "tcp") {
    task.containers[0].bindings.push_back({bind_ip, container, host, protocol});
  }
  /// "80=10.0.0.1:1001,10.0.0.1:1002 81=..." or the reason.
  std::string where() {
    inventory.learn_instance(instance);
    const auto located = locate(task, task.containers[0], mode, target, inventory);
    if (const auto* exclusion = std::get_if<Exclusion>(&located)) {
      CHECK_FALSE(exclusion->detail.empty());
      return std::string(reason_name(exclusion->reason));
    }
    std::string text;
    for (const auto& [port, endpoints] : *std::get_if<PortEndpoints>(&located)) {
      if (!text.empty()) text += ' ';
      text += std::to_string(port) + "=";
      for (size_t i = 0; i < endpoints.size(); ++i) {
        text += (i > 0 ? "," : "") + endpoints[i].text();
      }
    }
    return text;
  }
};

}  // namespace

TEST_CASE("fault of the original: a udp binding listed before the tcp one does not hide it") {
  Place place;
  place.bind("0.0.0.0", {53, 53}, {1001, 1001}, "udp");
  place.bind("0.0.0.0", {53, 53}, {1002, 1002}, "tcp");
  CHECK(place.where() == "53=10.0.0.1:1002");
}

TEST_CASE("bridge: a protocol that is absent means tcp; udp alone is no port") {
  Place place;
  place.bind("0.0.0.0", {80, 80}, {1001, 1001}, "");
  CHECK(place.where() == "80=10.0.0.1:1001");
  place.task.containers[0].bindings[0].protocol = "udp";
  CHECK(place.where() == "no_ports");
}

TEST_CASE("fault of the original: range bindings are read") {
  Place place;
  place.bind("0.0.0.0", {8080, 8082}, {32780, 32782});
  place.bind("0.0.0.0", {80, 80}, {1001, 1001});
  CHECK(place.where() ==
        "80=10.0.0.1:1001 8080=10.0.0.1:32780 8081=10.0.0.1:32781 8082=10.0.0.1:32782");
  place.target.ports = {8081};
  CHECK(place.where() == "8081=10.0.0.1:32781");
}

TEST_CASE("bridge: the range that ends at the last port ends") {
  Place place;
  place.bind("0.0.0.0", {65534, 65535}, {65534, 65535});
  CHECK(place.where() == "65534=10.0.0.1:65534 65535=10.0.0.1:65535");
}

TEST_CASE("bridge: bindings that cannot be are left alone") {
  Place place;
  place.bind("0.0.0.0", {0, 0}, {1001, 1001});
  place.bind("0.0.0.0", {80, 80}, {0, 0});        // not assigned yet
  place.bind("0.0.0.0", {80, 85}, {1001, 1003});  // unequal lengths
  place.bind("0.0.0.0", {85, 80}, {1006, 1001});  // backwards
  place.bind("not an ip", {80, 80}, {1001, 1001});
  CHECK(place.where() == "no_ports");
}

TEST_CASE("bridge: a container port that is mapped twice gives two backends, each once") {
  Place place;
  place.bind("0.0.0.0", {80, 80}, {1001, 1001});
  place.bind("0.0.0.0", {80, 80}, {1002, 1002});
  place.bind("", {80, 80}, {1001, 1001});
  CHECK(place.where() == "80=10.0.0.1:1001,10.0.0.1:1002");
}

TEST_CASE("fault of the original: the bind address decides which bindings an address reaches") {
  struct Row {
    const char* bind_ip;
    const char* private_ip;
    const char* ipv6;
    const char* expected;
  };
  const Row rows[] = {
      {"0.0.0.0", "10.0.0.1", "", "80=10.0.0.1:1001"},
      {"", "10.0.0.1", "", "80=10.0.0.1:1001"},
      {"10.0.0.1", "10.0.0.1", "", "80=10.0.0.1:1001"},
      {"10.0.0.9", "10.0.0.1", "", "no_ports"},
      {"127.0.0.1", "10.0.0.1", "", "no_ports"},
      {"127.0.0.1", "127.0.0.1", "", "no_ports"},
      {"::1", "", "fd00::1", "no_ports"},
      {"::", "10.0.0.1", "", "no_ports"},
      {"::", "", "fd00::1", "80=[fd00::1]:1001"},
      {"fd00::1", "", "fd00::1", "80=[fd00::1]:1001"},
      {"fd00::2", "", "fd00::1", "no_ports"},
      {"0.0.0.0", "", "fd00::1", "no_ports"},
      {"", "", "fd00::1", "no_ports"},
      {"::", "10.0.0.1", "fd00::1", "80=[fd00::1]:1001"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bind_ip);
    CAPTURE(row.private_ip);
    Place place;
    place.instance.private_ip = row.private_ip;
    place.instance.ipv6 = row.ipv6;
    place.bind(row.bind_ip, {80, 80}, {1001, 1001});
    CHECK(place.where() == row.expected);
  }
}

TEST_CASE("bridge: IPv4 and IPv6 bindings with different host ports are one backend") {
  Place place;
  place.instance.ipv6 = "fd00::1";
  place.bind("::", {80, 80}, {1002, 1002});
  place.bind("0.0.0.0", {80, 80}, {1001, 1001});
  CHECK(place.where() == "80=10.0.0.1:1001");
}

TEST_CASE("bridge: public addresses take the bindings of the private one") {
  Place place;
  place.target.use_public_addresses = true;
  place.bind("10.0.0.1", {80, 80}, {1001, 1001});
  CHECK(place.where() == "missing_public_address");
  place.instance.public_ip = "198.51.100.1";
  CHECK(place.where() == "80=198.51.100.1:1001");
}

TEST_CASE("bridge: an IPv6-only instance has a public address: its own") {
  Place place;
  place.target.use_public_addresses = true;
  place.bind("::", {80, 80}, {1001, 1001});
  place.instance.private_ip = "";
  place.instance.ipv6 = "2001:db8::1";
  CHECK(place.where() == "80=[2001:db8::1]:1001");
  Place with_v4;
  with_v4.target.use_public_addresses = true;
  with_v4.bind("::", {80, 80}, {1001, 1001});
  with_v4.instance.ipv6 = "2001:db8::1";
  CHECK(with_v4.where() == "missing_public_address");
}

TEST_CASE("address: what is not known of the instance is said") {
  Place place;
  place.bind("0.0.0.0", {80, 80}, {1001, 1001});
  SUBCASE("container instance unknown") {
    place.task.container_instance_arn = "elsewhere";
    CHECK(place.where() == "no_address");
  }
  SUBCASE("external") {
    place.inventory.learn_container_instance({"ci", "mi-1"});
    CHECK(place.where() == "external_instance");
  }
  SUBCASE("not shown by EC2") {
    place.inventory.learn_container_instance({"ci", "i-2"});
    CHECK(place.where() == "no_address");
  }
  SUBCASE("gone") {
    for (const char* state : {"shutting-down", "terminated", "stopping", "stopped"}) {
      place.instance.state = state;
      CHECK(place.where() == "no_address");
    }
    for (const char* state : {"running", "pending", ""}) {
      place.instance.state = state;
      CHECK(place.where() == "80=10.0.0.1:1001");
    }
  }
  SUBCASE("without address") {
    place.instance.private_ip = "";
    CHECK(place.where() == "no_address");
  }
  SUBCASE("with something that is no address") {
    place.instance.private_ip = "ip-10-0-0-1";
    CHECK(place.where() == "no_address");
  }
}

TEST_CASE("host and awsvpc: container ports from configuration, else from the definition") {
  Place place;
  aws::TaskDefinition definition;
  definition.arn = place.task.definition_arn;
  definition.ports_by_container["app"] = {
      {{80, 80}, "tcp"}, {{80, 80}, ""}, {{53, 53}, "udp"}, {{90, 91}, "tcp"}, {{0, 0}, "tcp"}};
  definition.ports_by_container["other"] = {{{99, 99}, "tcp"}};
  SUBCASE("host") {
    place.mode = NetworkMode::host;
  }
  SUBCASE("awsvpc") {
    place.mode = NetworkMode::task_eni;
    place.task.eni = aws::TaskEni{"eni-1", "10.0.0.1", "fd00::1"};
  }
  CHECK(place.where() == "missing_definition");
  place.inventory.learn_definition(place.task.definition_arn, definition);
  CHECK(place.where() == "80=10.0.0.1:80 90=10.0.0.1:90 91=10.0.0.1:91");
  place.target.ports = {443};
  CHECK(place.where() == "443=10.0.0.1:443");
  place.target.ports.clear();
  place.task.containers[0].name = "silent";
  CHECK(place.where() == "no_ports");
}

TEST_CASE("awsvpc: the interface's own addresses") {
  Place place;
  place.mode = NetworkMode::task_eni;
  place.target.ports = {80};
  place.task.eni = aws::TaskEni{"eni-1", "", ""};
  CHECK(place.where() == "no_address");
  place.task.eni->ipv6 = "fd00::1";
  CHECK(place.where() == "80=[fd00::1]:80");
  place.task.eni->private_ipv4 = "10.0.0.7";
  CHECK(place.where() == "80=10.0.0.7:80");
  place.target.use_public_addresses = true;
  CHECK(place.where() == "missing_public_address");
  place.inventory.learn_interface({"eni-1", "10.0.0.7", "198.51.100.7", ""});
  CHECK(place.where() == "80=198.51.100.7:80");
}

TEST_CASE("address: modes that cannot be reached and modes that are not known") {
  Place place;
  place.mode = NetworkMode::unreachable;
  CHECK(place.where() == "no_address");
  place.mode = NetworkMode::unknown;
  CHECK(place.where() == "missing_definition");
}

}  // namespace kite::discovery
