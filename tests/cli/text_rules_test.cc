#include "cli/text_rules.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::cli {

TEST_CASE("text rules: names of ECS") {
  for (const std::string name : {"a", "A-b_9", "-", "_"}) CHECK(is_ecs_name(name));
  for (const std::string name : {"", "a b", "a/b", "a.b", "a:1", "\xC3\xA4", "a\n"}) {
    CAPTURE(name);
    CHECK_FALSE(is_ecs_name(name));
  }
  CHECK(is_ecs_name(std::string(255, 'a')));
  CHECK_FALSE(is_ecs_name(std::string(256, 'a')));
  CHECK_FALSE(is_ecs_name(std::string("a\0b", 3)));
}

TEST_CASE("text rules: ARNs of clusters") {
  for (const std::string arn : {"arn:aws:ecs:eu-west-1:111122223333:cluster/prod",
                                "arn:aws-cn:ecs:cn-north-1:111122223333:cluster/a_b",
                                "arn:aws-us-gov:ecs:us-gov-west-1:111122223333:cluster/1"}) {
    CAPTURE(arn);
    CHECK(is_cluster_arn(arn));
  }
  for (const std::string arn :
       {"", "arn", "arn:aws:ecs:eu-west-1:111122223333",
        "arn:aws:ecs:eu-west-1:111122223333:", "arn:aws:ecs:eu-west-1:111122223333:cluster/",
        "arn:aws:ecs:eu-west-1:111122223333:service/p",
        "arn:aws:ecs:eu-west-1:111122223333:cluster/a/b", "arn:aws:ecs:eu-west-1:1:cluster/prod",
        "arn:aws:ecs:eu-west-1:11112222333x:cluster/prod", "arn:aws:ecs::111122223333:cluster/prod",
        "arn:aws:ec2:eu-west-1:111122223333:cluster/p", "arn::ecs:eu-west-1:111122223333:cluster/p",
        "arn:gcp:ecs:eu-west-1:111122223333:cluster/p",
        "ARN:aws:ecs:eu-west-1:111122223333:cluster/p",
        " arn:aws:ecs:eu-west-1:111122223333:cluster/p"}) {
    CAPTURE(arn);
    CHECK_FALSE(is_cluster_arn(arn));
  }
}

TEST_CASE("text rules: regions are labels of a host name") {
  for (const std::string region : {"eu-west-1", "us-gov-west-1", "a", "local"}) {
    CHECK(is_region_label(region));
  }
  for (const std::string region :
       {"", "EU-WEST-1", "eu_west_1", "-eu", "eu-", "eu.west", "eu west", "evil.example/"}) {
    CAPTURE(region);
    CHECK_FALSE(is_region_label(region));
  }
  CHECK(is_region_label(std::string(63, 'a')));
  CHECK_FALSE(is_region_label(std::string(64, 'a')));
}

TEST_CASE("text rules: endpoints") {
  for (const std::string url :
       {"http://h", "https://ecs.eu-west-1.amazonaws.com", "http://127.0.0.1:1/a/b",
        "https://[fd00::1]/", "http://[::1]:4566", "http://h:65535", "http://h/"}) {
    CAPTURE(url);
    CHECK(is_endpoint_url(url));
  }
  for (const std::string url : {"",
                                "h",
                                "//h",
                                "ftp://h",
                                "file:///etc/passwd",
                                "http:/h",
                                "http://",
                                "http:///x",
                                "http://:80",
                                "http://h:",
                                "http://h:0",
                                "http://h:65536",
                                "http://h:80x",
                                "http://u@h",
                                "http://u:p@h",
                                "http://h?x",
                                "http://h#x",
                                "http://h h",
                                "http://h\r\nX: y",
                                "http://[::1",
                                "http://[]",
                                "http://[127.0.0.1]",
                                "http://[::1]x",
                                "HTTP://h",
                                "http://h\\x",
                                "http://\xC3\xA4"}) {
    CAPTURE(url);
    CHECK_FALSE(is_endpoint_url(url));
  }
  CHECK(is_endpoint_url("http://" + std::string(2041, 'h')));
  CHECK_FALSE(is_endpoint_url("http://" + std::string(2042, 'h')));
}

TEST_CASE("text rules: numbers and ports are digits and nothing else") {
  CHECK(parse_number("0") == 0U);
  CHECK(parse_number("007") == 7U);
  CHECK(parse_number("4294967295") == 4294967295U);
  for (const std::string text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "4294967296", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number(text).has_value());
  }
  CHECK(parse_port("1") == 1);
  CHECK(parse_port("65535") == 65535);
  CHECK_FALSE(parse_port("0").has_value());
  CHECK_FALSE(parse_port("65536").has_value());
}

}  // namespace kite::cli
