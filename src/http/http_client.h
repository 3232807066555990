#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sys/result.h"

namespace kite::http {

struct Header {
  std::string name;
  std::string value;
};

enum class Method : uint8_t { get, put, post };

/// One outbound request. The headers are sent as given, Host included if present; nothing but
/// Content-Length, Accept and User-Agent is added.
struct Request {
  Method method = Method::get;
  std::string url;  ///< http or https, absolute
  std::vector<Header> headers;
  std::string body;
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds timeout{3000};  ///< the whole exchange, from when it starts
  /// The client waits this long before it starts: how callers that know no loop pace retries.
  std::chrono::milliseconds start_delay{0};
  size_t response_bytes_max = 1U << 20;  ///< body; one byte more is Failure::too_large
  bool direct = false;  ///< never through a proxy: what is asked serves this host alone
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  /// The first header of that name, compared without case; empty if absent.
  std::string_view header(std::string_view name) const;
};

/// Why there is no complete response. A deadline that passes before there is an address or a
/// connection is `resolve` or `connect`; `timeout` means that a peer is there and too slow.
enum class Failure : uint8_t { bad_url, resolve, connect, tls, timeout, broken, too_large };
std::string_view failure_name(Failure failure);

struct RequestError {
  Failure failure = Failure::broken;
  std::string message;  ///< for people; names the host, holds no header and no body
};

using Outcome = sys::Result<Response, RequestError>;
/// Called exactly once, from the loop, never from within start(); not called after cancel.
using OnDone = std::function<void(Outcome)>;

/// A request under way. Destroying it cancels: the callback will not be called.
class Ticket {
 public:
  virtual ~Ticket() = default;
};

/// Sends requests; implemented by CurlClient, and by a script in tests.
/// Lifetime:  outlives its tickets.
class Client {
 public:
  virtual ~Client() = default;
  /// The ticket must be kept until the callback ran (destroying it inside the callback is fine).
  [[nodiscard]] virtual std::unique_ptr<Ticket> start(Request request, OnDone on_done) = 0;
  /// Runs `action` once, from the loop, in a later turn: how callers that know no loop keep the
  /// promise that a callback does not run inside the call that took it.
  [[nodiscard]] virtual std::unique_ptr<Ticket> later(std::function<void()> action) = 0;
};

}  // namespace kite::http
