#include "aws/endpoints.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

using Variables = sys::Environment::Variables;

ServiceEndpoint resolve(Service service, std::string_view region, const Variables& variables = {},
                        std::string_view flag = "") {
  const auto endpoint = resolve_endpoint(service, region, flag, sys::Environment(variables));
  return endpoint.ok() ? *endpoint : ServiceEndpoint{endpoint.error().message, "", ""};
}

std::string host(Service service, std::string_view region, const Variables& variables = {}) {
  return resolve(service, region, variables).host;
}

const Variables kFips = {{"AWS_USE_FIPS_ENDPOINT", "true"}};
const Variables kDual = {{"AWS_USE_DUALSTACK_ENDPOINT", "TRUE"}};
const Variables kBoth = {{"AWS_USE_FIPS_ENDPOINT", "True"}, {"AWS_USE_DUALSTACK_ENDPOINT", "true"}};

}  // namespace

TEST_CASE("endpoints: every partition has its suffix") {
  CHECK(host(Service::ecs, "eu-west-1") == "ecs.eu-west-1.amazonaws.com");
  CHECK(host(Service::ec2, "cn-north-1") == "ec2.cn-north-1.amazonaws.com.cn");
  CHECK(host(Service::ecs, "us-gov-west-1") == "ecs.us-gov-west-1.amazonaws.com");
  CHECK(host(Service::ecs, "eusc-de-east-1") == "ecs.eusc-de-east-1.amazonaws.eu");
  CHECK(host(Service::ecs, "us-iso-east-1") == "ecs.us-iso-east-1.c2s.ic.gov");
  CHECK(host(Service::ecs, "us-isob-east-1") == "ecs.us-isob-east-1.sc2s.sgov.gov");
  CHECK(host(Service::ecs, "eu-isoe-west-1") == "ecs.eu-isoe-west-1.cloud.adc-e.uk");
  CHECK(host(Service::ec2, "us-isof-south-1") == "ec2.us-isof-south-1.csp.hci.ic.gov");
  CHECK(host(Service::sts, "moon-base-1") == "sts.moon-base-1.amazonaws.com");
  CHECK(
      resolve(Service::ecs, "eu-west-1") ==
      ServiceEndpoint{"https://ecs.eu-west-1.amazonaws.com/", "ecs.eu-west-1.amazonaws.com", "/"});
}

TEST_CASE("endpoints: FIPS and dual-stack names, with GovCloud's exception") {
  CHECK(host(Service::ecs, "us-east-1", kFips) == "ecs-fips.us-east-1.amazonaws.com");
  CHECK(host(Service::ecs, "eu-west-1", kDual) == "ecs.eu-west-1.api.aws");
  CHECK(host(Service::ecs, "us-east-1", kBoth) == "ecs-fips.us-east-1.api.aws");
  CHECK(host(Service::ec2, "cn-north-1", kDual) == "ec2.cn-north-1.api.amazonwebservices.com.cn");
  CHECK(host(Service::ec2, "eusc-de-east-1", kDual) ==
        "ec2.eusc-de-east-1.api.amazonwebservices.eu");
  CHECK(host(Service::ec2, "us-gov-west-1", kFips) == "ec2.us-gov-west-1.amazonaws.com");
  CHECK(host(Service::sts, "us-gov-west-1", kFips) == "sts.us-gov-west-1.amazonaws.com");
  CHECK(host(Service::ecs, "us-gov-west-1", kFips) == "ecs-fips.us-gov-west-1.amazonaws.com");
  CHECK(host(Service::ec2, "us-gov-west-1", kBoth) == "ec2-fips.us-gov-west-1.api.aws");
  CHECK(host(Service::ecs, "us-east-1", {{"AWS_USE_FIPS_ENDPOINT", "1"}}) ==
        "ecs.us-east-1.amazonaws.com");
}

TEST_CASE("endpoints: Cloud Map's discovery has hosts of its own") {
  // As botocore 1.43 resolves them.
  CHECK(host(Service::cloud_map, "eu-west-1") == "data-servicediscovery.eu-west-1.amazonaws.com");
  CHECK(host(Service::cloud_map, "eu-west-1", kDual) ==
        "data-servicediscovery.eu-west-1.amazonaws.com");
  CHECK(host(Service::cloud_map, "us-east-1", kFips) ==
        "data-servicediscovery-fips.us-east-1.amazonaws.com");
  CHECK(host(Service::cloud_map, "us-east-1", kBoth) ==
        "data-servicediscovery-fips.us-east-1.api.aws");
  CHECK(host(Service::cloud_map, "us-gov-west-1", kFips) ==
        "data-servicediscovery-fips.us-gov-west-1.amazonaws.com");
  CHECK(host(Service::cloud_map, "us-iso-east-1", kDual) ==
        "data-servicediscovery.us-iso-east-1.api.aws.ic.gov");
  CHECK(resolve(Service::cloud_map, "eu-west-1",
                {{"AWS_ENDPOINT_URL_SERVICEDISCOVERY", "http://127.0.0.1:7"}})
            .host == "127.0.0.1:7");
}

TEST_CASE("endpoints: flag over service variable over general variable over table") {
  Variables variables = {{"AWS_ENDPOINT_URL_ECS", "http://own:1"},
                         {"AWS_ENDPOINT_URL", "http://all:2"}};
  CHECK(resolve(Service::ecs, "eu-west-1", variables, "http://flag:3").host == "flag:3");
  CHECK(host(Service::ecs, "eu-west-1", variables) == "own:1");
  CHECK(host(Service::ec2, "eu-west-1", variables) == "all:2");
  variables["AWS_ENDPOINT_URL_ECS"] = "";
  CHECK(host(Service::ecs, "eu-west-1", variables) == "all:2");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK(host(Service::ecs, "eu-west-1", variables) == "ecs.eu-west-1.amazonaws.com");
  CHECK(resolve(Service::ecs, "eu-west-1", variables, "http://flag:3").host == "flag:3");
}

TEST_CASE("endpoints: what is signed is what is sent") {
  const auto parsed = [](std::string_view url) {
    const auto endpoint = parse_endpoint_url(url);
    return endpoint.ok() ? endpoint->url + " " + endpoint->host + " " + endpoint->path : "error";
  };
  CHECK(parsed("https://Example.COM") == "https://example.com/ example.com /");
  CHECK(parsed("HTTPS://example.com:443/") == "https://example.com/ example.com /");
  CHECK(parsed("http://example.com:80") == "http://example.com/ example.com /");
  CHECK(parsed("http://example.com:443") == "http://example.com:443/ example.com:443 /");
  CHECK(parsed("http://127.0.0.1:4566/aws/ecs") ==
        "http://127.0.0.1:4566/aws/ecs 127.0.0.1:4566 /aws/ecs");
  CHECK(parsed("http://[FD00::1]:8080/p/") == "http://[fd00::1]:8080/p/ [fd00::1]:8080 /p/");
  CHECK(parsed("http://[::1]") == "http://[::1]/ [::1] /");
}

TEST_CASE("endpoints: URLs that cannot be an endpoint are refused") {
  for (const char* url : {"",
                          "example.com",
                          "ftp://example.com",
                          "http://",
                          "http:///x",
                          "http://:80",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:x",
                          "http://a:",
                          "http://u@a",
                          "http://a?q",
                          "http://a/#f",
                          "http://a b",
                          "http://a/\n",
                          "http://a/../b",
                          "http://a/%2E%2e/b",
                          "http://a/.",
                          "http://[::1",
                          "http://[::1]x",
                          "http://[1.2.3.4]",
                          "http://::1:80",
                          "http://a\\b",
                          "http://\xc3\xa9/",
                          "://a"}) {
    CAPTURE(url);
    CHECK_FALSE(parse_endpoint_url(url).ok());
  }
}

TEST_CASE("endpoints: errors name what has to change") {
  CHECK(resolve(Service::ec2, "eu-west-1", {{"AWS_ENDPOINT_URL_EC2", "nonsense"}}).url ==
        "AWS_ENDPOINT_URL_EC2 is not a usable endpoint URL: it does not begin with http:// or "
        "https://");
  CHECK(resolve(Service::ecs, "eu-west-1", {}, "http://a:0").url ==
        "-endpoint-ecs is not a usable endpoint URL: its port is not a number from 1 to 65535");
  CHECK(resolve(Service::ecs, "eu-west-1", kFips, "http://a").url ==
        "-endpoint-ecs cannot be combined with AWS_USE_FIPS_ENDPOINT: unset one of them");
  CHECK(resolve(Service::ecs, "evil.example/x", {}).url.find("-region") != std::string::npos);
}

TEST_CASE("endpoints: a region is a host label") {
  for (const char* region : {"eu-west-1", "a", "us-gov-west-1", "1"}) CHECK(is_region(region));
  for (const char* region : {"", "EU-WEST-1", "eu west", "eu.west", "-a", "a-", "a/b", "a@b"}) {
    CHECK_FALSE(is_region(region));
  }
  CHECK(is_region(std::string(63, 'a')));
  CHECK_FALSE(is_region(std::string(64, 'a')));
}

}  // namespace kite::aws
