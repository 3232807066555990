#include "http/curl_client.h"

#include <utility>

#include "http/curl_exchange.h"
#include "sys/check.h"

namespace kite::http {

namespace {

/// One turn of the loop to wait for.
class LaterTicket final : public Ticket {
 public:
  LaterTicket(event::Reactor& reactor, std::function<void()> action)
      : action_(std::move(action)),
        turn_(reactor, event::Continuation::OnTurn::to<&LaterTicket::on_turn>(this)) {
    turn_.request();
  }

 private:
  void on_turn() {
    const std::function<void()> action = std::move(action_);
    action();  // last statement: may destroy *this
  }

  std::function<void()> action_;
  event::Continuation turn_;
};

std::string ca_path(const CurlClient::Options& options) {
  if (!options.ca_bundle.empty()) return options.ca_bundle;
  const char* built_in = curl_version_info(CURLVERSION_NOW)->cainfo;
  return built_in != nullptr ? built_in : "";
}

}  // namespace

CurlClient::CurlClient(event::Reactor& reactor, Options options)
    : reactor_(reactor),
      options_(std::move(options)),
      ca_store_(ca_path(options_)),
      resolver_(reactor, options_.resolver),
      watches_(reactor, FdWatches::OnReady::to<&CurlClient::on_socket_ready>(this)),
      timer_(reactor.timers(), event::Timer::OnDue::to<&CurlClient::on_timeout>(this)),
      rest_(reactor, event::Continuation::OnTurn::to<&CurlClient::on_rest>(this)),
      multi_(curl_multi_init()) {
  KITE_CHECK(multi_ != nullptr, "libcurl cannot start");
  CURLM* multi = multi_.get();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &CurlClient::on_curl_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &CurlClient::on_curl_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(options_.connections_per_host_max));
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.idle_connections_max));
}

CurlClient::~CurlClient() {
  KITE_CHECK(exchanges_ == 0, "tickets die before their client");
}

std::unique_ptr<Ticket> CurlClient::start(Request request, OnDone on_done) {
  auto exchange = std::make_unique<CurlExchange>(*this, std::move(request), std::move(on_done));
  exchange->start();
  return exchange;
}

std::unique_ptr<Ticket> CurlClient::later(std::function<void()> action) {
  return std::make_unique<LaterTicket>(reactor_, std::move(action));
}

void CurlClient::drive(curl_socket_t fd, int what) {
  int running = 0;
  const CURLMcode code = curl_multi_socket_action(multi_.get(), fd, what, &running);
  KITE_CHECK(code == CURLM_OK, "curl_multi_socket_action fails only on a wrong handle");
  collect_finished();
}

bool CurlClient::takes_turn() {
  return std::exchange(taken_turn_, reactor_.stats().turns) != reactor_.stats().turns;
}

/// One at a time: four may have arrived at once, and each is reported in the turn after.
void CurlClient::collect_finished() {
  int queued = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;  // the message dies with the handle's removal
    void* exchange = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    static_cast<CurlExchange*>(exchange)->on_transfer_done(code);
    if (queued > 0) rest_.request();  // after its report's, so that those come in order
    return;
  }
}

void CurlClient::on_socket_ready(int fd, event::Events events) {
  if (!takes_turn()) return;  // it stays ready, so epoll tells of it again
  int what = 0;
  if (events.readable()) what |= CURL_CSELECT_IN;
  if (events.writable()) what |= CURL_CSELECT_OUT;
  if (events.error()) what |= CURL_CSELECT_ERR;
  drive(fd, what);
}

void CurlClient::on_timeout() {
  timeout_waits_ = !takes_turn();
  if (timeout_waits_) return rest_.request();
  drive(CURL_SOCKET_TIMEOUT, 0);
}

/// Early in a turn, so that what waits is not put off again and again.
void CurlClient::on_rest() {
  if (timeout_waits_) return on_timeout();
  if (!takes_turn()) return rest_.request();
  collect_finished();
}

int CurlClient::on_curl_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& client = *static_cast<CurlClient*>(self);
  auto interest = event::Interest::none;
  switch (what) {
    case CURL_POLL_REMOVE:
      client.watches_.remove(fd);
      return 0;
    case CURL_POLL_IN:
      interest = event::Interest::read;
      break;
    case CURL_POLL_OUT:
      interest = event::Interest::write;
      break;
    case CURL_POLL_INOUT:
      interest = event::Interest::read_write;
      break;
    default:
      return 0;
  }
  // Refused (no memory, too many watches): the one transfer ends at its deadline. Telling curl by
  // -1 would end every transfer and leave the multi handle unusable (multi.c, "dead").
  static_cast<void>(client.watches_.watch(fd, interest));
  return 0;
}

int CurlClient::on_curl_timer(CURLM*, long wait_ms, void* self) {
  // Only notes the time: curl must not be entered from here (0 means the next turn, not now).
  auto& client = *static_cast<CurlClient*>(self);
  if (wait_ms < 0) {
    client.timer_.cancel();
  } else {
    client.timer_.start(client.reactor_.now() + std::chrono::milliseconds(wait_ms));
  }
  return 0;
}

}  // namespace kite::http
