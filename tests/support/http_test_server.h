#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "event/reactor.h"
#include "sys/endpoint.h"
#include "sys/owned_fd.h"

namespace kite::testing {

/// A scripted HTTP/1.1 peer on the test's own reactor: the test sees each request as text and says
/// which bytes go back and what becomes of the connection.
/// Lifetime:  the reactor outlives it.
class HttpTestServer {
 public:
  enum class Then : uint8_t { keep, close, reset, hold };
  struct Reply {
    std::string bytes;
    Then then = Then::keep;  ///< after the bytes; `hold` never answers again
  };
  using OnRequest = std::function<Reply(const std::string& request)>;

  HttpTestServer(event::Reactor& reactor, OnRequest on_request,
                 const std::string& address = "127.0.0.1");
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;
  ~HttpTestServer();

  std::string greeting;  ///< sent as soon as a connection opens, before any request

  uint16_t port() const { return endpoint_.port(); }
  std::string url(const std::string& path = "/") const {
    return "http://" + endpoint_.text() + path;
  }
  size_t accepted() const { return accepted_; }
  size_t open() const { return connections_.size(); }
  size_t open_max() const { return open_max_; }
  const std::vector<std::string>& requests() const { return requests_; }

  static std::string ok(const std::string& body);

 private:
  class Connection;
  void on_ready(event::Events events);
  void end(Connection& connection);

  event::Reactor& reactor_;
  OnRequest on_request_;
  sys::OwnedFd fd_;
  sys::Endpoint endpoint_;
  event::Watch watch_;
  std::list<std::unique_ptr<Connection>> connections_;
  std::vector<std::string> requests_;
  size_t accepted_ = 0;
  size_t open_max_ = 0;
};

}  // namespace kite::testing
