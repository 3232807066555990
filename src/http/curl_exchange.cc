#include "http/curl_exchange.h"

#include <strings.h>

#include <utility>

#include "http/curl_client.h"
#include "http/curl_failure.h"
#include "sys/check.h"

#ifndef KITE_VERSION
#define KITE_VERSION "0"
#endif

namespace kite::http {

namespace {

std::string url_part(CURLU* url, CURLUPart part, unsigned int flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const CurlText owned(text);
  return owned.get();
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

const char* method_text(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
  }
  return "GET";
}

}  // namespace

CurlExchange::CurlExchange(CurlClient& client, Request request, OnDone on_done)
    : client_(client),
      request_(std::move(request)),
      on_done_(std::move(on_done)),
      collector_(request_.response_bytes_max),
      timer_(client.reactor_.timers(), event::Timer::OnDue::to<&CurlExchange::on_timer>(this)),
      report_(client.reactor_, event::Continuation::OnTurn::to<&CurlExchange::report>(this)),
      query_(client.resolver_, Resolver::Query::OnAnswer::to<&CurlExchange::on_resolved>(this)) {
  ++client_.exchanges_;
}

CurlExchange::~CurlExchange() {
  leave_multi();
  --client_.exchanges_;
}

void CurlExchange::start() {
  if (request_.start_delay > std::chrono::milliseconds::zero()) {
    timer_.start(client_.reactor_.now() + request_.start_delay);
  } else {
    begin();
  }
}

void CurlExchange::begin() {
  if (!parse_url() || !prepare_headers()) return;
  timer_.start(client_.reactor_.now() + request_.timeout);
  if (!request_.direct) proxy_ = client_.options_.proxies.proxy_for(tls_, host_, port_);
  if (peer_is_literal()) return transfer();
  state_ = State::resolving;
  query_.start(peer_host());
}

/// False when the request ended here.
bool CurlExchange::parse_url() {
  const CurlUrl url(curl_url());
  KITE_CHECK(url != nullptr, "out of memory");
  const CURLUcode code =
      curl_url_set(url.get(), CURLUPART_URL, request_.url.c_str(), CURLU_DISALLOW_USER);
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME, 0);
  host_ = url_part(url.get(), CURLUPART_HOST, 0);
  port_ = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (code != CURLUE_OK || host_.empty() || port_.empty() ||
      (scheme != "http" && scheme != "https")) {
    finish(RequestError{Failure::bad_url,
                        "an http or https URL is needed, with a host and without a user name"});
    return false;
  }
  tls_ = scheme == "https";
  if (host_.starts_with('[')) host_ = host_.substr(1, host_.size() - 2);
  return true;
}

/// False when the request ended here.
bool CurlExchange::prepare_headers() {
  // A header with an empty value is curl's way to say "do not add this one yourself".
  append(headers_, "Expect:");
  bool has_content_type = false;
  for (const Header& header : request_.headers) {
    if (header.name.empty() || has_line_break(header.name) || has_line_break(header.value)) {
      finish(RequestError{Failure::bad_url, "a header of the request for " + host_ +
                                                " has no name or holds a line break"});
      return false;
    }
    has_content_type |= ::strcasecmp(header.name.c_str(), "content-type") == 0;
    // "Name;" is curl's form of a header that is sent with an empty value.
    const std::string line =
        header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
    append(headers_, line.c_str());
  }
  if (!has_content_type) append(headers_, "Content-Type:");
  return true;
}

void CurlExchange::on_resolved(const Resolver::Answer& answer) {
  if (!answer.ok()) {
    const std::string whose =
        proxy_ != nullptr ? "the proxy " + proxy_->text() + " is not found: " : "";
    return finish(RequestError{Failure::resolve, whose + answer.error().message});
  }
  // "+": the entry ages like any other, so that a later request brings its own.
  std::string entry = "+" + peer_host() + ":" + peer_port() + ":";
  const char* separator = "";
  for (const sys::Endpoint& address : *answer.operator->()) {
    entry += separator;
    entry += address.is_v6() ? "[" + address.address_text() + "]" : address.address_text();
    separator = ",";
  }
  append(addresses_, entry.c_str());
  transfer();
}

void CurlExchange::transfer() {
  state_ = State::transferring;
  easy_.reset(curl_easy_init());
  KITE_CHECK(easy_ != nullptr, "out of memory");
  set_connection_options();
  set_request_options();
  KITE_CHECK(curl_multi_add_handle(client_.multi_.get(), easy_.get()) == CURLM_OK,
             "a fresh easy handle can be added");
}

void CurlExchange::set_connection_options() {
  CURL* easy = easy_.get();
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_proxy_options();
  if (tls_) set_trust_options();
  if (peer_is_literal()) return;
  set_option(easy, CURLOPT_RESOLVE, addresses_.get());
  set_option(easy, CURLOPT_RESOLVER_START_FUNCTION, &CurlExchange::on_curl_resolve);
}

/// Says everything itself, so that libcurl looks at no variable of its own.
void CurlExchange::set_proxy_options() {
  CURL* easy = easy_.get();
  set_option(easy, CURLOPT_NOPROXY, "");
  if (proxy_ == nullptr) return set_option(easy, CURLOPT_PROXY, "");
  const bool is_v6 = proxy_->host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + proxy_->host + "]" : proxy_->host;
  set_option(easy, CURLOPT_PROXY, ("http://" + host + ":" + proxy_->port).c_str());
  set_option(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  set_option(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (proxy_->user.empty()) return;
  set_option(easy, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
  set_option(easy, CURLOPT_PROXYUSERNAME, proxy_->user.c_str());
  set_option(easy, CURLOPT_PROXYPASSWORD, proxy_->password.c_str());
}

void CurlExchange::set_trust_options() {
  CURL* easy = easy_.get();
  set_option(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_option(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set_option(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (client_.ca_store_.path().empty()) return;  // libcurl has a place of its own for certificates
  // DESIGN 18: our store instead of, not besides, what curl would load, and not one it remembers.
  set_option(easy, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  set_option(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  set_option(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  set_option(easy, CURLOPT_SSL_CTX_FUNCTION, &CurlExchange::on_curl_tls_context);
  set_option(easy, CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
}

void CurlExchange::set_request_options() {
  CURL* easy = easy_.get();
  set_option(easy, CURLOPT_URL, request_.url.c_str());
  set_option(easy, CURLOPT_PATH_AS_IS, 1L);  // the signature covers the path as it is
  set_option(easy, CURLOPT_USERAGENT, "ecs-task-kite/" KITE_VERSION);
  set_option(easy, CURLOPT_HTTPHEADER, headers_.get());
  if (request_.method != Method::get) {
    set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set_option(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  if (request_.method == Method::put) {
    set_option(easy, CURLOPT_CUSTOMREQUEST, method_text(request_.method));
  }
  set_option(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.response_bytes_max));
  set_option(easy, CURLOPT_HEADERFUNCTION, &CurlExchange::on_curl_header);
  set_option(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set_option(easy, CURLOPT_WRITEFUNCTION, &CurlExchange::on_curl_body);
  set_option(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
  set_option(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  set_option(easy, CURLOPT_PRIVATE, static_cast<void*>(this));
}

void CurlExchange::on_timer() {
  if (state_ == State::waiting) return begin();
  finish(too_late());
}

/// Whether TCP is there. Not by CURLINFO_CONNECT_TIME: libcurl 7.88 sets it after TLS only.
bool CurlExchange::connected() const {
  long port = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_PRIMARY_PORT, &port);
  return port != 0;
}

/// Whether curl noted the end of a phase: such a time is in microseconds since the start.
bool CurlExchange::reached(CURLINFO phase_end) const {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy_.get(), phase_end, &microseconds);
  return microseconds > 0;
}

RequestError CurlExchange::too_late() const {
  Failure failure = Failure::timeout;
  const char* phase = "the answer began but did not end";
  if (easy_ == nullptr) {
    failure = Failure::resolve;
    phase = "still resolving the name";
  } else if (!connected()) {
    failure = Failure::connect;
    phase = "still connecting";
  } else if (tls_ && !reached(CURLINFO_APPCONNECT_TIME_T)) {
    phase = "connected, still in the TLS handshake";
  } else if (!reached(CURLINFO_STARTTRANSFER_TIME_T)) {
    phase = "connected, no byte of the answer came";
  }
  return {failure, "no answer from " + place_text() + " within " +
                       std::to_string(request_.timeout.count()) + " ms (" + phase + ")"};
}

std::string CurlExchange::place_text() const {
  const std::string place = host_ + ":" + port_;
  return proxy_ == nullptr ? place : place + " through the proxy " + proxy_->text();
}

void CurlExchange::on_transfer_done(CURLcode code) {
  if (code != CURLE_OK) return finish(failure_of(code));
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  finish(collector_.take(static_cast<int>(status)));
}

RequestError CurlExchange::failure_of(CURLcode code) const {
  long os_error = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error);
  const std::string host = place_text();
  long proxy_status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  FailedTransfer transfer;
  transfer.proxy_status = static_cast<int>(proxy_status);
  transfer.code = code;
  transfer.os_error = static_cast<int>(os_error);
  transfer.host = host;
  transfer.detail = error_text_.data();
  if (!ca_problem_.empty()) transfer.detail = ca_problem_;
  transfer.ca_path = client_.ca_store_.path();
  transfer.body_bytes_max = request_.response_bytes_max;
  transfer.connect_timeout = request_.connect_timeout;
  transfer.connected = connected();
  transfer.over_bound = collector_.too_large();
  return describe_failure(transfer);
}

void CurlExchange::leave_multi() {
  if (easy_ == nullptr) return;
  curl_multi_remove_handle(client_.multi_.get(), easy_.get());
  easy_.reset();
}

void CurlExchange::finish(Outcome outcome) {
  KITE_CHECK(state_ != State::finished, "a request has one outcome");
  state_ = State::finished;
  timer_.cancel();
  query_.cancel();
  leave_multi();
  outcome_.emplace(std::move(outcome));
  report_.request();
}

void CurlExchange::report() {
  if (!client_.takes_turn()) return report_.request();
  const OnDone on_done = std::move(on_done_);
  Outcome outcome = std::move(*outcome_);
  on_done(std::move(outcome));  // last statement: the callback may destroy *this
}

size_t CurlExchange::on_curl_header(char* data, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  // Less than was offered ends the transfer with CURLE_WRITE_ERROR.
  return exchange.collector_.add_header_line({data, size * count}) ? size * count : 0;
}

size_t CurlExchange::on_curl_body(char* data, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  return exchange.collector_.add_body({data, size * count}) ? size * count : 0;
}

/// Called before a handshake. OpenSSL is curl's TLS here, or it would not have known the option.
CURLcode CurlExchange::on_curl_tls_context(CURL*, void* tls_context, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  const auto given = exchange.client_.ca_store_.give_to(static_cast<SSL_CTX*>(tls_context));
  if (given.ok()) return CURLE_OK;
  exchange.ca_problem_ = given.error().message;
  return CURLE_SSL_CACERT_BADFILE;
}

/// Called when curl is about to resolve a name itself, which would start a thread: refused. It
/// happens only if the entry we gave does not match the name curl looks for.
int CurlExchange::on_curl_resolve(void*, void*, void*) {
  return 1;
}

}  // namespace kite::http
