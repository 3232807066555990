#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/signed_call.h"
#include "aws/timestamp.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_credentials.h"
#include "tests/support/scripted_random.h"

namespace kite::aws {

/// A SignedCaller with everything around it in the test's hand, and one call on its way.
struct CallerHarness {
  explicit CallerHarness(Service service = Service::ecs)
      : caller({service, "eu-west-1", {"https://api.example/", "api.example", "/"}}, client,
               credentials, clock, random) {
    credentials.held = Credentials{"AKIDOLD", Secret("oldsecret"), Secret("oldtoken"), {}};
  }

  void start() {
    result.reset();
    call = caller.start({"ecs:ListTasks", "Prefix.ListTasks", "text/x", "{}"},
                        [this](CallResult<http::Response> answer) {
                          ++results;
                          result = std::move(answer);
                        });
  }

  /// Answers the newest exchange.
  void answer(int status, std::string body = "", std::vector<http::Header> headers = {}) {
    client.answer_ok(client.count() - 1, std::move(body), status, std::move(headers));
  }
  /// Answers the newest exchange as ECS would, with a Date that is off by `skew`.
  void refuse(const std::string& code, std::chrono::milliseconds skew = {},
              const std::string& message = "m") {
    answer(400, R"({"__type":")" + code + R"(","message":")" + message + "\"}",
           {{"Date", http_date(clock.wall_now() + skew)}});
  }
  void break_off(http::Failure failure) {
    client.answer(client.count() - 1, http::RequestError{failure, "api.example: broken"});
  }

  std::string_view sent_header(std::string_view name) const {
    for (const http::Header& header : client.exchanges.back()->request.headers) {
      if (header.name == name) return header.value;
    }
    return "(absent)";
  }
  const http::Request& sent() const { return client.exchanges.back()->request; }

  ErrorClass error_class() const { return result->error().error_class; }

  static std::string http_date(sys::WallTime time) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::string text = amz_timestamp(time);  // 20260102T030405Z
    const auto day = std::chrono::floor<std::chrono::days>(time);
    return std::string(kDays[std::chrono::weekday(day).c_encoding()]) + ", " + text.substr(6, 2) +
           " " + kMonths[std::stoi(text.substr(4, 2)) - 1] + " " + text.substr(0, 4) + " " +
           text.substr(9, 2) + ":" + text.substr(11, 2) + ":" + text.substr(13, 2) + " GMT";
  }

  testing::ManualClock clock;
  testing::ScriptedRandom random;
  testing::FakeHttpClient client;
  testing::ScriptedCredentials credentials;
  SignedCaller caller;
  std::unique_ptr<Call> call;
  std::optional<CallResult<http::Response>> result;
  int results = 0;
};

}  // namespace kite::aws
