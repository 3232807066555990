#include "tests/support/http_test_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "sys/check.h"
#include "sys/socket.h"

namespace kite::testing {

class HttpTestServer::Connection final : public event::Retirable {
 public:
  Connection(HttpTestServer& server, sys::OwnedFd fd)
      : server_(server),
        fd_(std::move(fd)),
        watch_(server.reactor_, event::Watch::OnReady::to<&Connection::on_ready>(this)) {
    KITE_CHECK(watch_.start(fd_.get(), event::Interest::read), "epoll accepts a socket");
  }

  void stop() {
    watch_.cancel();
    fd_.reset();
  }

 private:
  void on_ready(event::Events events) {
    if (events.readable()) {
      char buffer[16384];
      const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
      if (got <= 0) return server_.end(*this);
      input_.append(buffer, static_cast<size_t>(got));
      answer_requests();
    }
    flush();  // last statement: may end *this
  }

  static size_t request_size(const std::string& input) {
    const size_t head = input.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    size_t body = 0;
    const size_t length = input.find("Content-Length: ");
    if (length < head) body = std::strtoul(input.c_str() + length + 16, nullptr, 10);
    return input.size() >= head + 4 + body ? head + 4 + body : 0;
  }

  void answer_requests() {
    while (const size_t size = then_ == Then::keep ? request_size(input_) : 0) {
      const std::string request = input_.substr(0, size);
      input_.erase(0, size);
      server_.requests_.push_back(request);
      Reply reply = server_.on_request_(request);
      output_ += reply.bytes;
      then_ = reply.then;
    }
  }

  void flush() {
    while (!output_.empty()) {
      const ssize_t sent = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
      if (sent == -1 && errno == EAGAIN) return watch_.change(event::Interest::read_write);
      if (sent == -1) return server_.end(*this);
      output_.erase(0, static_cast<size_t>(sent));
    }
    watch_.change(event::Interest::read);
    if (then_ == Then::close) return server_.end(*this);
    if (then_ == Then::reset) {
      sys::reset_on_close(fd_.get());
      return server_.end(*this);
    }
  }

  HttpTestServer& server_;
  sys::OwnedFd fd_;
  event::Watch watch_;
  std::string input_;
  std::string output_;
  Then then_ = Then::keep;
};

HttpTestServer::HttpTestServer(event::Reactor& reactor, OnRequest on_request,
                               const std::string& address)
    : reactor_(reactor),
      on_request_(std::move(on_request)),
      watch_(reactor, event::Watch::OnReady::to<&HttpTestServer::on_ready>(this)) {
  const sys::Endpoint wanted = sys::Endpoint::parse(address, 0).value();
  fd_ = std::move(sys::listen_tcp(wanted, {}).value());
  endpoint_ = sys::local_endpoint(fd_.get());
  KITE_CHECK(watch_.start(fd_.get(), event::Interest::read), "epoll accepts a socket");
}

HttpTestServer::~HttpTestServer() = default;

void HttpTestServer::on_ready(event::Events) {
  sys::OwnedFd client;
  sys::Endpoint peer;
  int saved_errno = 0;
  if (sys::accept_tcp(fd_.get(), client, peer, saved_errno) != sys::AcceptStep::accepted) return;
  ++accepted_;
  static_cast<void>(::send(client.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL));
  connections_.push_back(std::make_unique<Connection>(*this, std::move(client)));
  open_max_ = std::max(open_max_, connections_.size());
}

void HttpTestServer::end(Connection& connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& item) { return item.get() == &connection; });
  connection.stop();
  reactor_.destroy_later(std::move(*found));
  connections_.erase(found);
}

std::string HttpTestServer::ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace kite::testing
