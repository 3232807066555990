#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "proxy/proxy_header.h"
#include "sys/check.h"

namespace {

using kite::proxy::ClientAddresses;
using kite::proxy::ProxyHeader;
using kite::proxy::ProxyProtocol;
using kite::sys::Endpoint;

/// Takes an endpoint off the input: one byte for the family, the port, the address.
Endpoint take_endpoint(std::string_view& input) {
  char raw[19] = {};
  const size_t size = std::min(sizeof raw, input.size());
  std::memcpy(raw, input.data(), size);
  input.remove_prefix(size);
  sockaddr_storage storage{};
  if ((raw[0] & 1) != 0) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_port, raw + 1, 2);
    std::memcpy(&v6.sin6_addr, raw + 3, 16);
    std::memcpy(&storage, &v6, sizeof v6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_port, raw + 1, 2);
    std::memcpy(&v4.sin_addr, raw + 3, 4);
    std::memcpy(&storage, &v4, sizeof v4);
  }
  return Endpoint::from_sockaddr(storage);
}

std::string_view take_word(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  KITE_CHECK(at != std::string_view::npos, "every word of version 1 has an end");
  const std::string_view word = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return word;
}

uint16_t number(std::string_view digits) {
  KITE_CHECK(!digits.empty() && (digits == "0" || digits.front() != '0'), "no leading zeros");
  unsigned value = 0;
  for (const char c : digits) {
    KITE_CHECK(c >= '0' && c <= '9', "a port is decimal");
    value = value * 10 + static_cast<unsigned>(c - '0');
    KITE_CHECK(value <= 65535, "a port has 16 bits");
  }
  return static_cast<uint16_t>(value);
}

/// A receiver's reading of version 1, written from the specification.
void check_v1(std::string_view line, const ClientAddresses& client) {
  KITE_CHECK(line.size() <= 107 && line.ends_with("\r\n"), "at most 107 bytes, ended by CRLF");
  line.remove_suffix(1);
  KITE_CHECK(take_word(line, ' ') == "PROXY", "the keyword comes first");
  const bool v6 = client.source.is_v6();
  if (v6 != client.destination.is_v6()) {
    KITE_CHECK(line == "UNKNOWN\r", "mixed families are unknown");
    return;
  }
  KITE_CHECK(take_word(line, ' ') == (v6 ? "TCP6" : "TCP4"), "the family");
  const std::string_view source = take_word(line, ' ');
  const std::string_view destination = take_word(line, ' ');
  const char* allowed = v6 ? "0123456789abcdef:" : "0123456789.";
  KITE_CHECK((std::string(source) + std::string(destination)).find_first_not_of(allowed) ==
                 std::string::npos,
             "addresses are digits and separators");
  const uint16_t source_port = number(take_word(line, ' '));
  const uint16_t destination_port = number(take_word(line, '\r'));
  KITE_CHECK(line.empty(), "nothing follows");
  KITE_CHECK(Endpoint::parse(source, source_port).value() == client.source, "the client");
  KITE_CHECK(Endpoint::parse(destination, destination_port).value() == client.destination,
             "what it connected to");
}

void check_v2(std::string_view bytes, const ClientAddresses& client) {
  constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
  KITE_CHECK(bytes.starts_with(kSignature), "the signature");
  KITE_CHECK(bytes[12] == 0x21, "version 2, command PROXY");
  const bool v6 = client.source.is_v6();
  const bool mixed = v6 != client.destination.is_v6();
  KITE_CHECK(bytes[13] == (mixed ? 0 : v6 ? 0x21 : 0x11), "family and protocol");
  const size_t length = static_cast<uint8_t>(bytes[14]) * 256U + static_cast<uint8_t>(bytes[15]);
  KITE_CHECK(length == (mixed ? 0U : v6 ? 36U : 12U), "the length of the addresses");
  KITE_CHECK(bytes.size() == 16 + length, "the length counts what follows");
  if (mixed) return;
  const size_t address = v6 ? 16 : 4;
  const auto endpoint = [&](size_t at, size_t port_at) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data() + at, text, sizeof text);
    const unsigned port =
        static_cast<uint8_t>(bytes[port_at]) * 256U + static_cast<uint8_t>(bytes[port_at + 1]);
    return Endpoint::parse(text, static_cast<uint16_t>(port)).value();
  };
  KITE_CHECK(endpoint(16, 16 + 2 * address) == client.source, "the client");
  KITE_CHECK(endpoint(16 + address, 18 + 2 * address) == client.destination, "its destination");
}

}  // namespace

/// Two endpoints of 19 bytes each: what is built must read back as them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const Endpoint source = take_endpoint(input);
  const ClientAddresses client{source, take_endpoint(input)};
  check_v1(ProxyHeader(ProxyProtocol::v1, client).bytes(), client);
  check_v2(ProxyHeader(ProxyProtocol::v2, client).bytes(), client);
  KITE_CHECK(ProxyHeader(ProxyProtocol::off, client).bytes().empty(), "off is nothing");
  return 0;
}
