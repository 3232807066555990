#include "proxy/proxy_header.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "sys/owned_fd.h"

namespace kite::proxy {

namespace {

ClientAddresses addresses(std::string_view source, uint16_t source_port,
                          std::string_view destination, uint16_t destination_port) {
  return {sys::Endpoint::parse(source, source_port).value(),
          sys::Endpoint::parse(destination, destination_port).value()};
}

std::string header(ProxyProtocol version, const ClientAddresses& client) {
  return std::string(ProxyHeader(version, client).bytes());
}

const std::string kSignature("\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A", 12);

struct StreamPair {
  StreamPair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }
  void fill() {
    const int smallest = 1;
    ::setsockopt(near.get(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
    const std::string filler(256, 'x');
    while (::send(near.get(), filler.data(), filler.size(), MSG_DONTWAIT) > 0) {
    }
    CHECK(errno == EAGAIN);
  }
  std::string drain() {
    std::string all;
    char buffer[4096];
    for (;;) {  // ends: the pair's buffer is finite
      const ssize_t got = ::recv(far.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) return all;
      all.append(buffer, static_cast<size_t>(got));
    }
  }

  sys::OwnedFd near;
  sys::OwnedFd far;
};

}  // namespace

TEST_CASE("proxy_header: off is nothing") {
  CHECK(header(ProxyProtocol::off, addresses("10.0.0.1", 1, "10.0.0.2", 2)).empty());
}

TEST_CASE("proxy_header: version 1 is one line of text") {
  CHECK(header(ProxyProtocol::v1, addresses("192.168.0.1", 56324, "192.168.0.11", 443)) ==
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
  CHECK(header(ProxyProtocol::v1, addresses("fd00::1", 1, "fd00:0:0:1::2", 65535)) ==
        "PROXY TCP6 fd00:0:0:0:0:0:0:1 fd00:0:0:1:0:0:0:2 1 65535\r\n");
}

TEST_CASE("proxy_header: version 1 writes every IPv6 address in hexadecimal groups") {
  CHECK(header(ProxyProtocol::v1, addresses("::1.2.3.4", 9, "::1", 10)) ==
        "PROXY TCP6 0:0:0:0:0:0:102:304 0:0:0:0:0:0:0:1 9 10\r\n");
}

TEST_CASE("proxy_header: the longest lines of version 1 are as long as the specification says") {
  const std::string longest_v4 =
      header(ProxyProtocol::v1, addresses("255.255.255.255", 65535, "255.255.255.255", 65535));
  CHECK(longest_v4.size() == 56);
  const char* all_ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  CHECK(header(ProxyProtocol::v1, addresses(all_ones, 65535, all_ones, 65535)).size() == 104);
}

TEST_CASE("proxy_header: version 2 for IPv4 is 28 bytes") {
  const std::string got =
      header(ProxyProtocol::v2, addresses("10.0.0.7", 0x1234, "127.0.0.1", 0xFF01));
  CHECK(got == kSignature + std::string("\x21\x11\x00\x0C", 4) +
                   std::string("\x0A\x00\x00\x07\x7F\x00\x00\x01", 8) +
                   std::string("\x12\x34\xFF\x01", 4));
}

TEST_CASE("proxy_header: version 2 for IPv6 is 52 bytes") {
  const std::string got =
      header(ProxyProtocol::v2, addresses("fd00::1", 1, "2001:db8:1:2:3:4:5:6", 0x0102));
  CHECK(got == kSignature + std::string("\x21\x21\x00\x24", 4) +
                   std::string("\xFD\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16) +
                   std::string("\x20\x01\x0D\xB8\0\x01\0\x02\0\x03\0\x04\0\x05\0\x06", 16) +
                   std::string("\x00\x01\x01\x02", 4));
}

TEST_CASE("proxy_header: ends of different families are told as unknown") {
  const ClientAddresses mixed = addresses("fd00::1", 1, "10.0.0.1", 2);
  CHECK(header(ProxyProtocol::v1, mixed) == "PROXY UNKNOWN\r\n");
  CHECK(header(ProxyProtocol::v2, mixed) == kSignature + std::string("\x21\x00\x00\x00", 4));
}

TEST_CASE("proxy_header: an IPv4 client of a dual-stack listener is an IPv4 client") {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(7);
  mapped.sin6_addr.s6_addr[10] = 0xFF;
  mapped.sin6_addr.s6_addr[11] = 0xFF;
  mapped.sin6_addr.s6_addr[12] = 10;
  mapped.sin6_addr.s6_addr[15] = 9;
  sockaddr_storage storage{};
  std::memcpy(&storage, &mapped, sizeof mapped);
  const sys::Endpoint client = sys::Endpoint::from_sockaddr(storage);
  CHECK(header(ProxyProtocol::v1, {client, sys::Endpoint::parse("10.0.0.1", 8).value()}) ==
        "PROXY TCP4 10.0.0.9 10.0.0.1 7 8\r\n");
}

TEST_CASE("proxy_header: what the kernel does not take at once follows, each byte once") {
  StreamPair pair;
  pair.fill();
  const ClientAddresses client = addresses("fd00::1", 40000, "fd00::2", 8080);
  ProxyHeaderSending sending(ProxyProtocol::v1, client);
  int saved_errno = 0;
  CHECK(sending.advance(pair.near.get(), saved_errno) == ProxyHeaderSending::Step::would_block);
  const std::string before = pair.drain();
  CHECK(before == std::string(before.size(), 'x'));
  CHECK(sending.advance(pair.near.get(), saved_errno) == ProxyHeaderSending::Step::sent);
  CHECK(sending.advance(pair.near.get(), saved_errno) == ProxyHeaderSending::Step::sent);
  CHECK(pair.drain() == header(ProxyProtocol::v1, client));
  sending.restart();
  CHECK(sending.advance(pair.near.get(), saved_errno) == ProxyHeaderSending::Step::sent);
  CHECK(pair.drain() == header(ProxyProtocol::v1, client));
}

TEST_CASE("proxy_header: a backend that is gone is a failure with its errno") {
  StreamPair pair;
  pair.far.reset();
  ProxyHeaderSending sending(ProxyProtocol::v2, addresses("10.0.0.1", 1, "10.0.0.2", 2));
  int saved_errno = 0;
  CHECK(sending.advance(pair.near.get(), saved_errno) == ProxyHeaderSending::Step::failed);
  CHECK(saved_errno == EPIPE);
}

}  // namespace kite::proxy
