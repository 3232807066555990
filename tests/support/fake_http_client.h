#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "http/http_client.h"

namespace kite::testing {

/// An http::Client whose answers the test gives, in any order and as late as it likes.
class FakeHttpClient final : public http::Client {
 public:
  struct Exchange {
    http::Request request;
    http::OnDone on_done;
    bool open = true;  ///< neither answered nor cancelled
  };

  std::unique_ptr<http::Ticket> start(http::Request request, http::OnDone on_done) override {
    auto exchange = std::make_shared<Exchange>();
    exchange->request = std::move(request);
    exchange->on_done = std::move(on_done);
    exchanges.push_back(exchange);
    return std::make_unique<FakeTicket>(exchange);
  }

  /// An exchange without a URL; any answer runs the action.
  std::unique_ptr<http::Ticket> later(std::function<void()> action) override {
    return start({}, [action = std::move(action)](const http::Outcome&) { action(); });
  }

  /// Answers the exchange; an already cancelled one is left alone, as the real client would.
  void answer(size_t index, http::Outcome outcome) {
    const std::shared_ptr<Exchange> exchange = exchanges.at(index);
    if (!std::exchange(exchange->open, false)) return;
    const http::OnDone on_done = std::move(exchange->on_done);
    on_done(std::move(outcome));
  }
  void answer_ok(size_t index, std::string body, int status = 200,
                 std::vector<http::Header> headers = {}) {
    answer(index, http::Response{status, std::move(headers), std::move(body)});
  }
  const http::Request& request(size_t index) const { return exchanges.at(index)->request; }
  bool open(size_t index) const { return exchanges.at(index)->open; }
  size_t count() const { return exchanges.size(); }

  std::vector<std::shared_ptr<Exchange>> exchanges;

 private:
  class FakeTicket final : public http::Ticket {
   public:
    explicit FakeTicket(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    ~FakeTicket() override { exchange_->open = false; }

   private:
    std::shared_ptr<Exchange> exchange_;
  };
};

}  // namespace kite::testing
