#include "aws/signed_call.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/aws/caller_harness.h"

namespace kite::aws {
namespace {

using namespace std::chrono_literals;

const Credentials kNew{"AKIDNEW", Secret("newsecret"), Secret("newtoken"), {}};

}  // namespace

TEST_CASE("signed_call: one good attempt") {
  CallerHarness harness;
  harness.start();
  CHECK(harness.client.count() == 1);
  CHECK(harness.sent().url == "https://api.example/");
  CHECK(harness.sent().method == http::Method::post);
  CHECK(harness.sent().body == "{}");
  CHECK(harness.sent().start_delay == 0ms);
  CHECK(harness.sent().timeout == SignedCaller::kAttemptTimeout);
  CHECK(harness.sent_header("Host") == "api.example");
  CHECK(harness.sent_header("X-Amz-Target") == "Prefix.ListTasks");
  CHECK(harness.sent_header("X-Amz-Date") == "20260102T000000Z");
  CHECK(harness.sent_header("X-Amz-Security-Token") == "oldtoken");
  CHECK(harness.sent_header("Authorization")
            .starts_with("AWS4-HMAC-SHA256 Credential=AKIDOLD/20260102/eu-west-1/ecs/"));
  CHECK(harness.results == 0);
  harness.answer(200, "body");
  REQUIRE(harness.results == 1);
  REQUIRE(harness.result->ok());
  CHECK((*harness.result)->body == "body");
}

TEST_CASE("signed_call: what is transient is tried three times, paced and signed anew") {
  CallerHarness harness;
  harness.random.jitters = {700ms, 1900ms};
  harness.start();
  harness.answer(500);
  REQUIRE(harness.client.count() == 2);
  CHECK(harness.sent().start_delay == 700ms);
  harness.clock.advance(700ms + 800ms);
  harness.break_off(http::Failure::connect);
  REQUIRE(harness.client.count() == 3);
  CHECK(harness.sent().start_delay == 1900ms);
  CHECK(harness.sent_header("X-Amz-Date") == "20260102T000003Z");  // 1.5 s passed, leaves in 1.9 s
  CHECK(harness.results == 0);
  harness.answer(503, "<html>busy</html>");
  CHECK(harness.client.count() == 3);
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::transient);
  CHECK(harness.result->error().http_status == 503);
  CHECK(harness.result->error().operation == "ecs:ListTasks");
}

TEST_CASE("signed_call: delays are drawn from one second, then two") {
  struct Recorder final : sys::Random {
    uint32_t below(uint32_t) override { return 0; }
    sys::Duration jitter(sys::Duration most) override {
      asked.push_back(most);
      return sys::Duration::zero();
    }
    std::vector<sys::Duration> asked;
  } random;
  for (uint32_t i = 0; i < 8; ++i) retry_delay(i, random);
  CHECK(random.asked == std::vector<sys::Duration>{1s, 2s, 4s, 8s, 16s, 20s, 20s, 20s});
}

TEST_CASE("signed_call: every kind of failure that is retried, and those that are not") {
  struct Row {
    http::Failure failure;
    bool is_retried;
    ErrorClass error_class;
  };
  using enum http::Failure;
  for (const Row& row :
       {Row{resolve, true, ErrorClass::transient}, Row{connect, true, ErrorClass::transient},
        Row{tls, true, ErrorClass::transient}, Row{timeout, true, ErrorClass::transient},
        Row{broken, true, ErrorClass::transient},
        Row{too_large, false, ErrorClass::malformed_answer},
        Row{bad_url, false, ErrorClass::invalid_request}}) {
    CAPTURE(http::failure_name(row.failure));
    CallerHarness harness;
    harness.start();
    harness.break_off(row.failure);
    CHECK(harness.client.count() == (row.is_retried ? 2 : 1));
    while (harness.results == 0) harness.break_off(row.failure);
    CHECK(harness.client.count() == (row.is_retried ? 3 : 1));
    CHECK(harness.error_class() == row.error_class);
    CHECK(harness.result->error().http_status == 0);
    CHECK(harness.result->error().code == http::failure_name(row.failure));
  }
}

TEST_CASE("signed_call: permanent answers end the call at once") {
  struct Row {
    const char* code;
    ErrorClass error_class;
  };
  using enum ErrorClass;
  for (const Row& row :
       {Row{"AccessDeniedException", denied}, Row{"InvalidSignatureException", bad_credentials},
        Row{"SignatureDoesNotMatch", bad_credentials}, Row{"ClusterNotFoundException", not_found},
        Row{"ServiceNotFoundException", not_found},
        Row{"InvalidParameterException", invalid_request}, Row{"ClientException", invalid_request},
        Row{"MissingAuthenticationTokenException", invalid_request},
        Row{"IncompleteSignatureException", invalid_request}}) {
    CAPTURE(row.code);
    CallerHarness harness;
    harness.start();
    harness.refuse(row.code);
    CHECK(harness.client.count() == 1);
    REQUIRE(harness.results == 1);
    CHECK(harness.error_class() == row.error_class);
    CHECK(harness.result->error().code == row.code);
  }
}

TEST_CASE("signed_call: throttling is retried and counted") {
  CallerHarness harness;
  harness.start();
  harness.refuse("ThrottlingException");
  CHECK(harness.client.count() == 2);
  harness.answer(200);
  CHECK(harness.result->ok());
  CHECK(harness.caller.stats().throttled_attempts == 1);
  CHECK(harness.caller.stats().retries_after_error == 1);
  CHECK(harness.caller.stats().attempts == 2);
}

TEST_CASE("signed_call: the budget bounds the whole call") {
  CallerHarness harness;
  harness.random.jitters = {900ms, 1900ms};
  harness.start();
  harness.clock.advance(8s);
  harness.answer(500);
  REQUIRE(harness.client.count() == 2);
  CHECK(harness.sent().timeout == 10s - 8s - 900ms);
  harness.clock.advance(1s);
  harness.answer(500);  // 1 s is left, the next attempt would begin in 1.9 s
  CHECK(harness.client.count() == 2);
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::transient);
}

TEST_CASE("signed_call: retries stop when the quota is used up, and success pays back") {
  CallerHarness harness;
  for (int i = 0; i < 50; ++i) {  // 2 retries of 5 each
    harness.start();
    while (harness.results == i) harness.answer(500);
  }
  CHECK(harness.caller.quota_available() == 0);
  const size_t before = harness.client.count();
  harness.start();
  harness.answer(500);
  CHECK(harness.client.count() == before + 1);
  CHECK(harness.results == 51);
  CHECK(harness.caller.stats().quota_refusals == 1);

  for (int i = 0; i < 5; ++i) {  // one each for a success without retry
    harness.start();
    harness.answer(200);
  }
  CHECK(harness.caller.quota_available() == 5);
  harness.start();
  harness.answer(500);
  CHECK(harness.caller.quota_available() == 0);
  harness.answer(200);  // the retry's cost comes back
  CHECK(harness.caller.quota_available() == 5);
}

TEST_CASE("signed_call: a retry after a timeout costs twice") {
  CallerHarness harness;
  harness.start();
  harness.break_off(http::Failure::timeout);
  CHECK(harness.caller.quota_available() == RetryQuota::kCapacity - 10);
  harness.break_off(http::Failure::broken);
  CHECK(harness.caller.quota_available() == RetryQuota::kCapacity - 15);
  harness.answer(200);  // the last cost only
  CHECK(harness.caller.quota_available() == RetryQuota::kCapacity - 10);
  harness.start();
  harness.answer(200);
  CHECK(harness.caller.quota_available() == RetryQuota::kCapacity - 9);
}

TEST_CASE("signed_call: expired and unknown keys are refreshed once, at once") {
  for (const char* code : {"ExpiredTokenException", "ExpiredToken", "RequestExpired",
                           "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"}) {
    CAPTURE(code);
    CallerHarness harness;
    harness.start();
    harness.refuse(code);
    CHECK(harness.client.count() == 1);
    REQUIRE(harness.credentials.fetches.size() == 1);
    CHECK(harness.credentials.fetches[0]->force_refresh);
    harness.credentials.answer(0, kNew);
    REQUIRE(harness.client.count() == 2);
    CHECK(harness.sent().start_delay == 0ms);
    CHECK(harness.sent_header("X-Amz-Security-Token") == "newtoken");
    CHECK(harness.sent_header("Authorization").find("AKIDNEW") != std::string::npos);
    harness.refuse(code);
    CHECK(harness.credentials.fetches.size() == 1);
    REQUIRE(harness.results == 1);
    CHECK(harness.result->error().code == code);
  }
}

TEST_CASE("signed_call: the same keys again are not tried again") {
  CallerHarness harness;
  harness.start();
  harness.refuse("ExpiredTokenException");
  harness.credentials.answer(0, *harness.credentials.held);
  CHECK(harness.client.count() == 1);
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::expired_credentials);
}

TEST_CASE("signed_call: keys that another call has refreshed are used without a fetch") {
  CallerHarness harness;
  harness.start();
  harness.credentials.held = kNew;
  harness.refuse("ExpiredTokenException");
  CHECK(harness.credentials.fetches.empty());
  REQUIRE(harness.client.count() == 2);
  CHECK(harness.sent_header("X-Amz-Security-Token") == "newtoken");
}

TEST_CASE("signed_call: a failed refresh says both what was refused and why there is no new key") {
  CallerHarness harness;
  harness.start();
  harness.refuse("ExpiredTokenException");
  harness.credentials.answer(0, sys::Error{"the container endpoint answered 503"});
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::expired_credentials);
  CHECK(harness.result->error().message.find("answered 503") != std::string::npos);
  CHECK(harness.result->error().message.find("ExpiredTokenException") != std::string::npos);
}

TEST_CASE("signed_call: without credentials at hand they are fetched first") {
  CallerHarness harness;
  harness.credentials.held.reset();
  harness.start();
  CHECK(harness.client.count() == 0);
  REQUIRE(harness.credentials.fetches.size() == 1);
  CHECK_FALSE(harness.credentials.fetches[0]->force_refresh);
  harness.credentials.answer(0, Credentials{"AKIDLONG", Secret("s"), Secret(), {}});
  REQUIRE(harness.client.count() == 1);
  CHECK(harness.sent_header("X-Amz-Security-Token") == "(absent)");
}

TEST_CASE("signed_call: no credentials at all") {
  CallerHarness harness;
  harness.credentials.held.reset();
  harness.start();
  harness.credentials.answer(0, sys::Error{"no provider is configured"});
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::no_credentials);
  CHECK(harness.result->error().message.find("no provider is configured") != std::string::npos);
  CHECK(harness.client.count() == 0);
}

TEST_CASE("signed_call: credentials that come after the deadline are not used") {
  CallerHarness harness;
  harness.credentials.held.reset();
  harness.start();
  harness.clock.advance(SignedCaller::kCallBudget);
  harness.credentials.answer(0, kNew);
  CHECK(harness.client.count() == 0);
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::cancelled_by_deadline);
}

TEST_CASE("signed_call: a clock that is off is corrected once, either way, and remembered") {
  for (const auto skew : {std::chrono::milliseconds(10min), std::chrono::milliseconds(-10min)}) {
    for (const char* code : {"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
                             "RequestTimeTooSkewed", "AccessDeniedException"}) {
      CAPTURE(code);
      CallerHarness harness;
      harness.start();
      harness.refuse(code, skew);
      REQUIRE(harness.client.count() == 2);
      CHECK(harness.credentials.fetches.empty());
      CHECK(harness.sent().start_delay == 0ms);
      CHECK(harness.sent_header("X-Amz-Date") == amz_timestamp(harness.clock.wall_now() + skew));
      CHECK(harness.caller.quota_available() == RetryQuota::kCapacity);
      harness.answer(200, "",
                     {{"Date", CallerHarness::http_date(harness.clock.wall_now() + skew)}});
      CHECK(harness.result->ok());
      CHECK(harness.caller.clock_offset() == skew);
      harness.start();
      CHECK(harness.sent_header("X-Amz-Date") == amz_timestamp(harness.clock.wall_now() + skew));
    }
  }
}

TEST_CASE("signed_call: skew is corrected only once in a call") {
  CallerHarness harness;
  harness.start();
  harness.refuse("InvalidSignatureException", 10min);
  harness.refuse("InvalidSignatureException", -10min);
  CHECK(harness.client.count() == 2);
  CHECK(harness.results == 1);
}

TEST_CASE("signed_call: a right clock with a wrong key is not a matter of time") {
  CallerHarness harness;
  harness.start();
  harness.refuse("InvalidSignatureException", 3min + 59s);
  CHECK(harness.client.count() == 1);
  CHECK(harness.error_class() == ErrorClass::bad_credentials);
  CHECK(harness.caller.clock_offset() == 0ms);
}

TEST_CASE("signed_call: without a Date nothing can be corrected, but the cause is named") {
  CallerHarness harness;
  harness.start();
  harness.answer(400,
                 R"({"__type":"InvalidSignatureException",)"
                 R"("message":"Signature expired: 20260102T000000Z is now earlier than ..."})");
  CHECK(harness.client.count() == 1);
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::clock_skew);
}

TEST_CASE("signed_call: a corrected clock heals when the clocks agree again") {
  CallerHarness harness;
  harness.start();
  harness.refuse("InvalidSignatureException", 10min);
  harness.answer(200, "", {{"Date", CallerHarness::http_date(harness.clock.wall_now() + 10min)}});
  CHECK(harness.caller.clock_offset() == 10min);
  harness.clock.set_wall(harness.clock.wall_now() + 10min);  // someone set the clock
  harness.start();
  harness.refuse("InvalidSignatureException");  // signed 10 minutes ahead now
  REQUIRE(harness.client.count() == 4);
  CHECK(harness.sent_header("X-Amz-Date") == amz_timestamp(harness.clock.wall_now()));
  CHECK(harness.caller.clock_offset() == 0ms);
}

TEST_CASE("signed_call: skew, then an unknown key, then the end") {
  CallerHarness harness;
  harness.start();
  harness.refuse("AuthFailure", 10min);
  harness.refuse("AuthFailure", 10min);
  harness.credentials.answer(0, kNew);
  REQUIRE(harness.client.count() == 3);
  harness.refuse("AuthFailure", 10min);
  CHECK(harness.client.count() == 3);
  REQUIRE(harness.results == 1);
  CHECK(harness.error_class() == ErrorClass::bad_credentials);
}

TEST_CASE("signed_call: a call may be destroyed at any point, also by its own callback") {
  CallerHarness harness;
  harness.start();
  harness.call.reset();
  harness.answer(200);
  CHECK(harness.results == 0);

  harness.credentials.held.reset();
  harness.start();
  harness.call.reset();
  harness.credentials.answer(0, kNew);
  CHECK(harness.client.count() == 1);

  harness.credentials.held = kNew;
  harness.start();
  harness.answer(500);
  harness.call.reset();
  CHECK_FALSE(harness.client.open(harness.client.count() - 1));

  std::unique_ptr<Call> call;
  bool called = false;
  call = harness.caller.start({"x:Y", "", "t", ""}, [&](const CallResult<http::Response>&) {
    call.reset();
    called = true;
  });
  harness.answer(403);
  CHECK(called);
}

TEST_CASE("signed_call: no sentence holds a secret") {
  CallerHarness harness;
  harness.start();
  harness.refuse("InvalidSignatureException", 0ms, "canonical: x-amz-security-token:oldtoken");
  REQUIRE(harness.results == 1);
  CHECK(harness.result->error().message.find("oldtoken") == std::string::npos);
  CHECK(harness.result->error().message.find("oldsecret") == std::string::npos);
}

}  // namespace kite::aws
