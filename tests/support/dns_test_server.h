#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "event/reactor.h"
#include "sys/owned_fd.h"

namespace kite::testing {

/// A name server on a loopback UDP port that knows the names a test gives it; others do not exist.
/// Source:    RFC 1035 section 4.
class DnsTestServer {
 public:
  struct Record {
    std::vector<std::string> addresses;  ///< IPv4 and IPv6 literals
    uint32_t ttl_seconds = 60;
  };

  explicit DnsTestServer(event::Reactor& reactor);

  std::map<std::string, Record> records;
  bool silent = false;  ///< hears, but does not answer

  std::string address() const;  ///< "127.0.0.1:5353"
  size_t questions() const { return questions_; }

 private:
  void on_ready(event::Events events);
  std::string answer_to(std::string_view question) const;

  sys::OwnedFd fd_;
  event::Watch watch_;
  size_t questions_ = 0;
};

}  // namespace kite::testing
