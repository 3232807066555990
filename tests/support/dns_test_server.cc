#include "tests/support/dns_test_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cctype>

#include "sys/check.h"
#include "sys/endpoint.h"
#include "sys/socket.h"

namespace kite::testing {

namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;

void put16(std::string& out, uint32_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void put32(std::string& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

/// Reads the one name of a question; `at` ends behind it. Empty when malformed.
std::string read_name(std::string_view question, size_t& at) {
  std::string name;
  while (at < question.size()) {
    const auto length = static_cast<uint8_t>(question[at++]);
    if (length == 0) return name;
    if (at + length > question.size()) return {};
    if (!name.empty()) name += '.';
    for (size_t i = 0; i < length; ++i) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(question[at + i])));
    }
    at += length;
  }
  return {};
}

std::string data_of(const std::string& address, uint16_t type) {
  char bytes[16];
  const int family = type == kTypeA ? AF_INET : AF_INET6;
  if (type != kTypeA && type != kTypeAaaa) return {};
  if (::inet_pton(family, address.c_str(), bytes) != 1) return {};
  return {bytes, type == kTypeA ? size_t{4} : size_t{16}};
}

}  // namespace

DnsTestServer::DnsTestServer(event::Reactor& reactor)
    : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      watch_(reactor, event::Watch::OnReady::to<&DnsTestServer::on_ready>(this)) {
  sockaddr_storage address{};
  const socklen_t length = sys::Endpoint::parse("127.0.0.1", 0).value().to_sockaddr(address);
  const bool bound = ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0;
  KITE_CHECK(bound, "loopback has a free port");
  KITE_CHECK(watch_.start(fd_.get(), event::Interest::read), "epoll accepts a socket");
}

std::string DnsTestServer::address() const {
  return sys::local_endpoint(fd_.get()).text();
}

void DnsTestServer::on_ready(event::Events) {
  char buffer[512];
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const ssize_t got =
      ::recvfrom(fd_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &length);
  if (got < static_cast<ssize_t>(kHeaderBytes)) return;
  ++questions_;
  if (silent) return;
  const std::string answer = answer_to({buffer, static_cast<size_t>(got)});
  static_cast<void>(::sendto(fd_.get(), answer.data(), answer.size(), 0,
                             reinterpret_cast<sockaddr*>(&peer), length));
}

std::string DnsTestServer::answer_to(std::string_view question) const {
  size_t at = kHeaderBytes;
  const std::string name = read_name(question, at);
  if (at + 4 > question.size()) return {};
  const auto type = static_cast<uint16_t>(static_cast<uint8_t>(question[at]) << 8 |
                                          static_cast<uint8_t>(question[at + 1]));
  const size_t question_end = at + 4;
  std::string records_text;
  uint32_t count = 0;
  const auto found = records.find(name);
  if (found != records.end()) {
    for (const std::string& address : found->second.addresses) {
      const std::string data = data_of(address, type);
      if (data.empty()) continue;
      ++count;
      put16(records_text, 0xc000 | kHeaderBytes);  // the name of the question
      put16(records_text, type);
      put16(records_text, 1);
      put32(records_text, found->second.ttl_seconds);
      put16(records_text, static_cast<uint32_t>(data.size()));
      records_text += data;
    }
  }
  std::string answer(question.substr(0, 2));
  put16(answer, found == records.end() ? 0x8183 : 0x8180);  // NXDOMAIN or no error
  put16(answer, 1);
  put16(answer, count);
  put32(answer, 0);
  answer += question.substr(kHeaderBytes, question_end - kHeaderBytes);
  return answer + records_text;
}

}  // namespace kite::testing
