#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "event/reactor.h"
#include "http/ca_store.h"
#include "http/curl_handles.h"
#include "http/fd_watches.h"
#include "http/http_client.h"
#include "http/proxy_rules.h"
#include "http/resolver.h"

namespace kite::http {

class CurlExchange;

/// HTTP/1.1 and TLS through one curl_multi that lives on the reactor: no thread, no blocking call.
/// Connections are kept open between requests.
/// Owns:      the multi handle with its idle connections; the exchanges belong to their callers.
/// Lifetime:  outlives its tickets; the reactor outlives it.
/// Thread:    reactor thread only.
/// Errors:    per request, see Failure. SIGPIPE must be ignored by the process (OpenSSL writes).
/// Source:    libcurl-multi(3), CURLMOPT_SOCKETFUNCTION(3), CURLMOPT_TIMERFUNCTION(3).
class CurlClient final : public Client {
 public:
  struct Options {
    std::string ca_bundle;  ///< PEM file; empty: libcurl's own default
    Resolver::Options resolver;
    ProxyRules proxies;
    uint32_t connections_per_host_max = 4;  ///< requests beyond it wait for a free one
    uint32_t idle_connections_max = 8;      ///< kept open for later requests, all hosts together
  };

  CurlClient(event::Reactor& reactor, Options options);
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;
  ~CurlClient() override;

  [[nodiscard]] std::unique_ptr<Ticket> start(Request request, OnDone on_done) override;
  [[nodiscard]] std::unique_ptr<Ticket> later(std::function<void()> action) override;

  const Resolver::Stats& resolver_stats() const { return resolver_.stats(); }
  size_t exchanges() const { return exchanges_; }

 private:
  friend class CurlExchange;

  /// Whether this turn is still free for a piece of work; then it is taken. A piece (hundreds of
  /// kilobytes read from a socket, an answer parsed, a request begun) may take a millisecond or
  /// two, and all who are forwarded wait meanwhile: so there is one in a turn.
  bool takes_turn();
  void drive(curl_socket_t fd, int what);
  void collect_finished();
  void on_socket_ready(int fd, event::Events events);
  void on_timeout();
  void on_rest();
  static int on_curl_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int on_curl_timer(CURLM* multi, long wait_ms, void* self);

  event::Reactor& reactor_;
  Options options_;
  CurlGlobal global_;
  CaStore ca_store_;  ///< before multi_, whose connections use it
  Resolver resolver_;
  FdWatches watches_;
  event::Timer timer_;
  event::Continuation rest_;  ///< what waits for a turn of its own
  bool timeout_waits_ = false;
  uint64_t taken_turn_ = 0;
  size_t exchanges_ = 0;
  CurlMulti multi_;  // last: its end calls back into the watches and the timer
};

}  // namespace kite::http
