#include "aws/ec2_wire.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

/// As EC2 writes it: addresses again inside interfaces, empty elements, unknown ones.
constexpr const char* kInstances = R"(<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>0b1c</requestId>
  <reservationSet>
    <item><reservationId>r-1</reservationId><groupSet/>
      <instancesSet>
        <item>
          <networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>
            <privateIpAddress>10.9.9.9</privateIpAddress>
            <instanceId>i-wrong</instanceId>
            <ipv6AddressesSet><item><ipv6Address>fd00::5</ipv6Address></item>
              <item><ipv6Address>fd00::6</ipv6Address></item></ipv6AddressesSet>
            <association><publicIp>198.51.100.9</publicIp></association></item>
          </networkInterfaceSet>
          <instanceId>i-1</instanceId>
          <instanceState><code>16</code><name>running</name></instanceState>
          <dnsName/><privateIpAddress>10.0.1.5</privateIpAddress>
          <ipAddress>198.51.100.7</ipAddress><ipv6Address/>
          <placement><availabilityZone>eu-west-1a</availabilityZone></placement>
        </item>
        <item><instanceId>i-2</instanceId><ipv6Address>fd00::7</ipv6Address>
          <instanceState><code>48</code><name>terminated</name></instanceState></item>
      </instancesSet></item>
    <item><instancesSet><item><instanceId>i-3</instanceId>
      <privateIpAddress>10.0.1.6</privateIpAddress></item><item/></instancesSet></item>
  </reservationSet>
  <nextToken>more&amp;more</nextToken>
</DescribeInstancesResponse>)";

}  // namespace

TEST_CASE("ec2_wire: request bodies use filters and escape what they carry") {
  CHECK(describe_instances_body({"i-0123456789abcdef0", "i-0fedcba9876543210"}, "") ==
        "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=instance-id"
        "&Filter.1.Value.1=i-0123456789abcdef0&Filter.1.Value.2=i-0fedcba9876543210"
        "&MaxResults=1000");
  CHECK(describe_network_interfaces_body({"eni-1&x=y z"}, "a+b/c==") ==
        "Action=DescribeNetworkInterfaces&Version=2016-11-15&Filter.1.Name=network-interface-id"
        "&Filter.1.Value.1=eni-1%26x%3Dy%20z&MaxResults=1000&NextToken=a%2Bb%2Fc%3D%3D");
}

TEST_CASE("ec2_wire: instances of all reservations, direct children only") {
  const auto page = parse_instances(kInstances);
  REQUIRE(page.ok());
  CHECK(page->next_token == "more&more");
  REQUIRE(page->instances.size() == 3);
  const Instance& first = page->instances[0];
  CHECK(first.id == "i-1");
  CHECK(first.state == "running");
  CHECK(first.private_ip == "10.0.1.5");
  CHECK(first.public_ip == "198.51.100.7");
  CHECK(first.ipv6 == "fd00::5");
  CHECK(first.availability_zone == "eu-west-1a");
  CHECK(page->instances[1].state == "terminated");
  CHECK(page->instances[1].private_ip.empty());
  CHECK(page->instances[1].ipv6 == "fd00::7");
  CHECK(page->instances[2].private_ip == "10.0.1.6");
}

TEST_CASE("ec2_wire: an empty set is an answer, an absent one is not") {
  const auto page =
      parse_instances("<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>");
  REQUIRE(page.ok());
  CHECK(page->instances.empty());
  CHECK(page->next_token.empty());
  for (const char* body :
       {"", "<DescribeInstancesResponse/>", "<Other><reservationSet/></Other>", "{}",
        "<html><body>busy</body></html>",
        "<DescribeInstancesResponse><reservationSet><item></reservationSet>",
        "<!DOCTYPE x><DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>",
        "<DescribeNetworkInterfacesResponse><networkInterfaceSet/>"
        "</DescribeNetworkInterfacesResponse>"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_instances(body).ok());
  }
}

TEST_CASE("ec2_wire: an answer cut anywhere is an error") {
  const std::string whole = kInstances;
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_instances(std::string_view(whole).substr(0, length)).ok());
  }
}

TEST_CASE("ec2_wire: names that only begin like a member are not that member") {
  const auto page = parse_instances(
      "<DescribeInstancesResponse><reservationSet><item><instancesSet>"
      "<item><instanceId>i-1</instanceId><instanceIdX>no</instanceIdX></item>"
      "<itemXinstanceId>no</itemXinstanceId></instancesSet></item></reservationSet>"
      "<x><nextToken>no</nextToken></x></DescribeInstancesResponse>");
  REQUIRE(page.ok());
  REQUIRE(page->instances.size() == 1);
  CHECK(page->instances[0].id == "i-1");
  CHECK(page->next_token.empty());
}

TEST_CASE("ec2_wire: interfaces with and without a public address") {
  const auto page = parse_network_interfaces(
      "<DescribeNetworkInterfacesResponse><networkInterfaceSet>"
      "<item><networkInterfaceId>eni-1</networkInterfaceId><status>in-use</status>"
      "<privateIpAddress>10.0.0.9</privateIpAddress>"
      "<association><publicIp>198.51.100.9</publicIp></association>"
      "<privateIpAddressesSet><item><privateIpAddress>10.0.0.8</privateIpAddress>"
      "<association><publicIp>198.51.100.8</publicIp></association></item></privateIpAddressesSet>"
      "<ipv6AddressesSet><item><ipv6Address>fd00::9</ipv6Address></item></ipv6AddressesSet></item>"
      "<item><networkInterfaceId>eni-2</networkInterfaceId>"
      "<privateIpAddress>10.0.0.10</privateIpAddress></item>"
      "</networkInterfaceSet><nextToken/></DescribeNetworkInterfacesResponse>");
  REQUIRE(page.ok());
  REQUIRE(page->interfaces.size() == 2);
  CHECK(page->interfaces[0].id == "eni-1");
  CHECK(page->interfaces[0].private_ip == "10.0.0.9");
  CHECK(page->interfaces[0].public_ip == "198.51.100.9");
  CHECK(page->interfaces[0].ipv6 == "fd00::9");
  CHECK(page->interfaces[1].public_ip.empty());
  CHECK(page->next_token.empty());
}

}  // namespace kite::aws
