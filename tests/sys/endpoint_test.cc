#include "sys/endpoint.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <string>

namespace kite::sys {

namespace {

Endpoint parsed(const std::string& address, uint16_t port = 0) {
  const auto endpoint = Endpoint::parse(address, port);
  REQUIRE_MESSAGE(endpoint.ok(), address);
  return endpoint.value();
}

/// What the kernel would report for this address.
Endpoint round_trip(const Endpoint& endpoint) {
  sockaddr_storage storage{};
  const socklen_t length = endpoint.to_sockaddr(storage);
  CHECK(length == (endpoint.is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)));
  return Endpoint::from_sockaddr(storage);
}

}  // namespace

TEST_CASE("endpoint: text of IPv6 is the one form of RFC 5952") {
  struct Row {
    std::string given;
    std::string text;
  };
  for (const Row& row :
       {Row{"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
        Row{"2001:DB8::1", "2001:db8::1"}, Row{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        Row{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        Row{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, Row{"0:0:0:0:0:0:0:0", "::"},
        Row{"::1", "::1"}, Row{"[fd00::1]", "fd00::1"},
        Row{"::ffff:10.0.0.7", "::ffff:10.0.0.7"}}) {
    CAPTURE(row.given);
    const Endpoint endpoint = parsed(row.given, 8080);
    CHECK(endpoint.is_v6());
    CHECK(endpoint.address_text() == row.text);
    CHECK(endpoint.text() == "[" + row.text + "]:8080");
    CHECK(round_trip(parsed(row.text)).address_text() ==
          (row.text == "::ffff:10.0.0.7" ? "10.0.0.7" : row.text));
  }
}

TEST_CASE("endpoint: text of IPv4") {
  CHECK(parsed("10.0.0.7", 80).text() == "10.0.0.7:80");
  CHECK(parsed("255.255.255.255", 65535).text() == "255.255.255.255:65535");
  CHECK(Endpoint().text() == "0.0.0.0:0");
  CHECK(Endpoint::any_v4(7).text() == "0.0.0.0:7");
  CHECK(Endpoint::any_v6(7).text() == "[::]:7");
  CHECK(parsed("10.0.0.7", 80).with_port(81).text() == "10.0.0.7:81");
}

TEST_CASE("endpoint: only whole literals are addresses") {
  for (const std::string text :
       {"", " ", "localhost", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.7 ", " 10.0.0.7",
        "10.0.0.7:80", "0x7f.0.0.1", "[10.0.0.7", "10.0.0.7]", "::1::", "fe80::1%lo", "[]", "[",
        "1:2:3:4:5:6:7:8:9", "12345::"}) {
    CAPTURE(text);
    const auto endpoint = Endpoint::parse(text, 1);
    REQUIRE_FALSE(endpoint.ok());
    CHECK(endpoint.error().message == "\"" + text + "\" is not an IPv4 or IPv6 address");
  }
  CHECK_FALSE(Endpoint::parse(std::string_view("10.0.0.7\0x", 10), 1).ok());
  CHECK_FALSE(Endpoint::parse(std::string(100'000, ':'), 1).ok());
}

TEST_CASE("endpoint: survives the way through the kernel's form") {
  for (const std::string address : {"0.0.0.0", "127.0.0.1", "10.1.2.3", "255.255.255.255",
                                    "::", "::1", "fd00::1", "2001:db8::ffff:1"}) {
    CAPTURE(address);
    for (const uint16_t port : {uint16_t{0}, uint16_t{80}, uint16_t{65535}}) {
      CHECK(round_trip(parsed(address, port)) == parsed(address, port));
    }
  }
}

TEST_CASE("endpoint: an IPv4 client of a dual-stack listener is an IPv4 endpoint") {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(1234);
  REQUIRE(::inet_pton(AF_INET6, "::ffff:10.0.0.7", &mapped.sin6_addr) == 1);
  sockaddr_storage storage{};
  std::memcpy(&storage, &mapped, sizeof mapped);
  const Endpoint endpoint = Endpoint::from_sockaddr(storage);
  CHECK_FALSE(endpoint.is_v6());
  CHECK(endpoint == parsed("10.0.0.7", 1234));
}

TEST_CASE("endpoint: other address families give the default") {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  CHECK(Endpoint::from_sockaddr(storage) == Endpoint());
}

TEST_CASE("endpoint: loopback and unspecified") {
  for (const std::string address : {"127.0.0.1", "127.255.0.9", "::1"}) {
    CHECK(parsed(address).is_loopback());
    CHECK_FALSE(parsed(address).is_unspecified());
  }
  for (const std::string address : {"0.0.0.0", "::"}) {
    CHECK(parsed(address).is_unspecified());
    CHECK_FALSE(parsed(address).is_loopback());
  }
  for (const std::string address : {"128.0.0.1", "10.0.0.1", "::2", "fd00::1", "7f00::"}) {
    CHECK_FALSE(parsed(address).is_loopback());
    CHECK_FALSE(parsed(address).is_unspecified());
  }
}

TEST_CASE("endpoint: equal by address, family and port, and ordered, so it can be a key") {
  CHECK(parsed("10.0.0.7", 80) == parsed("10.0.0.7", 80));
  CHECK(parsed("10.0.0.7", 80) != parsed("10.0.0.7", 81));
  CHECK(parsed("10.0.0.7", 80) != parsed("10.0.0.8", 80));
  CHECK(Endpoint::any_v4(80) != Endpoint::any_v6(80));
  const std::set<Endpoint> set = {parsed("10.0.0.7", 80), parsed("10.0.0.7", 81), parsed("::1", 80),
                                  parsed("10.0.0.7", 80)};
  CHECK(set.size() == 3);
}

}  // namespace kite::sys
