#pragma once

#include <array>
#include <optional>
#include <string>

#include "event/reactor.h"
#include "http/curl_handles.h"
#include "http/http_client.h"
#include "http/proxy_rules.h"
#include "http/resolver.h"
#include "http/response_collector.h"

namespace kite::http {

class CurlClient;

/// One request on its way: waits for its start, resolves the name, hands over to curl, reports.
/// It is the caller's ticket, so destroying it in any state takes everything back.
/// Owns:      its easy handle, out of the multi before it is freed.
/// Errors:    one outcome, told from a continuation: curl and c-ares are never on the stack then,
///            so the callback may start and destroy whatever it likes, this ticket included.
class CurlExchange final : public Ticket {
 public:
  CurlExchange(CurlClient& client, Request request, OnDone on_done);
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;
  ~CurlExchange() override;

  void start();
  void on_transfer_done(CURLcode code);

 private:
  enum class State : uint8_t { waiting, resolving, transferring, finished };

  void begin();
  bool parse_url();
  bool prepare_headers();
  void on_resolved(const Resolver::Answer& answer);
  void transfer();
  void set_connection_options();
  void set_proxy_options();
  void set_trust_options();
  void set_request_options();
  void on_timer();
  void leave_multi();
  /// Whom TCP connects to: the proxy, or the host itself.
  const std::string& peer_host() const { return proxy_ != nullptr ? proxy_->host : host_; }
  const std::string& peer_port() const { return proxy_ != nullptr ? proxy_->port : port_; }
  bool peer_is_literal() const { return sys::Endpoint::parse(peer_host(), 0).ok(); }
  /// The host for messages, and the proxy on the way to it.
  std::string place_text() const;
  bool connected() const;
  bool reached(CURLINFO phase_end) const;
  RequestError too_late() const;
  RequestError failure_of(CURLcode code) const;
  void finish(Outcome outcome);
  void report();
  static size_t on_curl_header(char* data, size_t size, size_t count, void* self);
  static size_t on_curl_body(char* data, size_t size, size_t count, void* self);
  static CURLcode on_curl_tls_context(CURL* easy, void* tls_context, void* self);
  static int on_curl_resolve(void* resolver, void* reserved, void* self);

  CurlClient& client_;
  Request request_;
  OnDone on_done_;
  State state_ = State::waiting;
  std::string host_;  ///< as in the URL, IPv6 without brackets
  std::string port_;
  const ProxyServer* proxy_ = nullptr;  ///< null: direct
  bool tls_ = false;
  ResponseCollector collector_;
  std::optional<Outcome> outcome_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::string ca_problem_;  ///< why the CA bundle cannot be used
  CurlList headers_;
  CurlList addresses_;
  CurlEasy easy_;
  event::Timer timer_;  ///< the start delay, then the deadline
  event::Continuation report_;
  Resolver::Query query_;
};

}  // namespace kite::http
