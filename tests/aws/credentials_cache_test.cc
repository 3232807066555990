#include "aws/credentials_cache.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_random.h"

namespace kite::aws {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// A provider whose answers the test gives.
struct ScriptedProvider final : CredentialsProvider {
  struct Fetch final : Call {
    explicit Fetch(ScriptedProvider& owner) : provider(owner) {}
    ~Fetch() override { provider.pending = nullptr; }
    ScriptedProvider& provider;
  };
  std::string name() const override { return "script"; }
  bool keeps_expired() const override { return keeps; }
  std::unique_ptr<Call> fetch(OnCredentials on_credentials) override {
    ++fetches;
    pending = std::move(on_credentials);
    return std::make_unique<Fetch>(*this);
  }
  void answer(sys::Result<Credentials> result) {
    REQUIRE(pending != nullptr);
    const OnCredentials tell = std::move(pending);
    pending = nullptr;
    tell(std::move(result));
  }
  bool keeps = false;
  int fetches = 0;
  OnCredentials pending;
};

struct Harness {
  explicit Harness(bool keeps_expired = false) {
    auto owned = std::make_unique<ScriptedProvider>();
    provider = owned.get();
    provider->keeps = keeps_expired;
    cache.emplace(std::move(owned), client, clock, random, log.logger);
  }

  Credentials keys(const std::string& id, std::optional<sys::Duration> life) {
    Credentials credentials;
    credentials.access_key_id = id;
    credentials.secret_access_key = Secret("s3cret-of-" + id);
    if (life) {
      credentials.expiry =
          clock.wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(*life);
    }
    return credentials;
  }
  std::unique_ptr<Call> get(bool forced = false) {
    return cache->get(forced, [this](sys::Result<Credentials> result) {
      told.push_back(result.ok() ? result->access_key_id : "error: " + result.error().message);
    });
  }
  void start_with(const std::string& id, std::optional<sys::Duration> life) {
    const auto call = get();
    provider->answer(keys(id, life));
    told.clear();
  }
  /// The latest request is only a wish for another turn.
  void next_turn() {
    client.answer(client.count() - 1, http::RequestError{http::Failure::bad_url, ""});
  }
  std::string at_hand() {
    const Credentials* credentials = cache->at_hand();
    return credentials == nullptr ? "none" : credentials->access_key_id;
  }

  testing::FakeHttpClient client;
  testing::ManualClock clock;
  testing::ScriptedRandom random;
  testing::KeptLog log{clock};
  ScriptedProvider* provider = nullptr;
  std::optional<CredentialsCache> cache;
  std::vector<std::string> told;
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("credentials cache: many askers, one fetch, one answer each") {
  Harness test;
  CHECK(test.at_hand() == "none");
  CHECK(test.provider->fetches == 0);
  const auto first = test.get();
  auto dropped = test.get();
  const auto second = test.get(true);
  CHECK(test.provider->fetches == 1);
  dropped.reset();
  CHECK(test.told.empty());
  test.provider->answer(test.keys("A", std::nullopt));
  CHECK(test.told == Told{"A", "A"});
  CHECK(test.at_hand() == "A");
  CHECK(test.log.count("event=credentials_found") == 1);
  CHECK(test.log.count("s3cret") == 0);
}

TEST_CASE("credentials cache: keys that do not expire are never renewed unasked") {
  Harness test;
  test.start_with("A", std::nullopt);
  test.clock.advance(std::chrono::hours(1000));
  CHECK(test.at_hand() == "A");
  const auto call = test.get();
  test.next_turn();
  CHECK(test.told == Told{"A"});
  CHECK(test.provider->fetches == 1);
}

TEST_CASE(
    "credentials cache: renewal begins a quarter of an hour early, behind the callers' backs") {
  Harness test;
  test.start_with("A", minutes(360));
  test.clock.advance(minutes(344));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 1);
  test.clock.advance(minutes(2));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
  test.provider->answer(test.keys("B", minutes(360)));
  CHECK(test.at_hand() == "B");
}

TEST_CASE("credentials cache: renewal is jittered towards earlier, so a fleet spreads out") {
  Harness test;
  test.random.jitters = {minutes(3)};
  test.start_with("A", minutes(360));
  test.clock.advance(minutes(341));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 1);
  test.clock.advance(minutes(1));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
}

TEST_CASE("credentials cache: a short life is renewed after three quarters, not all the time") {
  Harness test;
  test.start_with("A", minutes(4));
  for (int i = 0; i < 10; ++i) CHECK(test.at_hand() == "A");
  test.clock.advance(seconds(179));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 1);
  test.clock.advance(seconds(1));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
}

TEST_CASE("credentials cache: no pause outlasts the keys, however short their life") {
  Harness test;
  test.start_with("A", seconds(4));
  test.clock.advance(seconds(3));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
  test.provider->answer(sys::Error{"agent away"});  // a pause of 30 s, cut to the second left
  test.clock.advance(seconds(1));
  CHECK(test.at_hand() == "none");
  const auto call = test.get();
  CHECK(test.provider->fetches == 3);
  test.provider->answer(test.keys("B", seconds(4)));
  CHECK(test.told == Told{"B"});
  test.clock.advance(seconds(4));
  const auto again = test.get();
  CHECK(test.provider->fetches == 4);
}

TEST_CASE("credentials cache: the same keys again are not asked for again at once") {
  Harness test;
  test.start_with("A", minutes(360));
  const Credentials same = *test.cache->at_hand();
  test.clock.advance(minutes(350));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
  test.provider->answer(same);
  test.clock.advance(minutes(7));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
}

TEST_CASE("credentials cache: a failed renewal is paced and told to nobody before the end") {
  Harness test;
  test.start_with("A", minutes(60));
  test.clock.advance(minutes(50));
  CHECK(test.at_hand() == "A");
  test.provider->answer(sys::Error{"agent away"});
  CHECK(test.log.count("event=credentials_fetch_failed") == 1);
  for (int i = 0; i < 5; ++i) CHECK(test.at_hand() == "A");
  const auto call = test.get();
  test.next_turn();
  CHECK(test.told == Told{"A"});
  CHECK(test.provider->fetches == 2);
  test.clock.advance(seconds(30));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 3);
  test.provider->answer(sys::Error{"agent away"});
  CHECK(test.log.count("event=credentials_fetch_failed") == 1);  // logged when it began
  test.clock.advance(seconds(30));
  CHECK(test.at_hand() == "A");
  test.provider->answer(test.keys("B", minutes(60)));
  CHECK(test.at_hand() == "B");
  CHECK(test.log.count("event=credentials_found") == 2);
}

TEST_CASE("credentials cache: expired keys of a container are not given out") {
  Harness test;
  test.start_with("A", minutes(60));
  test.clock.advance(minutes(60));
  CHECK(test.at_hand() == "none");
  const auto call = test.get();
  test.provider->answer(sys::Error{"agent away"});
  CHECK(test.told == Told{"error: agent away"});
  // Within the pause the same error, without a request.
  const auto again = test.get();
  test.next_turn();
  CHECK(test.told == Told{"error: agent away", "error: agent away"});
  CHECK(test.provider->fetches == 2);
}

TEST_CASE("credentials cache: an instance role's keys outlive their expiry while IMDS is away") {
  Harness test(true);
  test.start_with("A", minutes(60));
  test.clock.advance(minutes(61));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);
  test.random.jitters = {minutes(4)};
  test.provider->answer(sys::Error{"away"});
  test.clock.advance(minutes(8));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 2);  // 5 minutes and the 4 of the script
  test.clock.advance(minutes(1));
  CHECK(test.at_hand() == "A");
  CHECK(test.provider->fetches == 3);
}

TEST_CASE("credentials cache: keys that arrive expired are used, and renewed with patience") {
  for (const bool keeps_expired : {false, true}) {
    Harness test(keeps_expired);
    const auto call = test.get();
    test.provider->answer(test.keys("A", minutes(-1)));
    CHECK(test.told == Told{"A"});
    CHECK(test.at_hand() == "A");
    CHECK(test.log.count("credentials_arrived_expired") == 1);
    test.clock.advance(minutes(4));
    CHECK(test.at_hand() == "A");
    CHECK(test.provider->fetches == 1);
    test.clock.advance(minutes(1));
    CHECK(test.at_hand() == "A");
    CHECK(test.provider->fetches == 2);
  }
}

TEST_CASE("credentials cache: with nothing in hand the pause doubles up to its bound") {
  Harness test;
  std::vector<int64_t> pauses;
  for (int round = 0; round < 6; ++round) {
    auto call = test.get();
    REQUIRE(test.provider->pending != nullptr);
    test.provider->answer(sys::Error{"not yet"});
    int64_t waited = 0;
    for (;;) {  // ends: the pause is bounded
      const int fetches = test.provider->fetches;
      test.clock.advance(seconds(1));
      ++waited;
      call = test.get();
      if (test.provider->fetches > fetches) break;
      REQUIRE(waited < 20);
    }
    pauses.push_back(waited);
    test.provider->answer(sys::Error{"not yet"});
    test.clock.advance(minutes(1));
  }
  CHECK(pauses == std::vector<int64_t>{1, 4, 15, 15, 15, 15});
  CHECK(test.log.count("credentials_fetch_failed") == 1);
}

TEST_CASE("credentials cache: a forced refresh asks anew, but not without end") {
  Harness test;
  test.start_with("A", minutes(360));
  test.clock.advance(seconds(10));
  auto call = test.get(true);
  CHECK(test.provider->fetches == 2);
  test.provider->answer(test.keys("B", minutes(360)));
  CHECK(test.told == Told{"B"});
  call = test.get(true);  // refused again at once: the cached ones, and no request
  test.next_turn();
  CHECK(test.told == Told{"B", "B"});
  CHECK(test.provider->fetches == 2);
  test.clock.advance(seconds(5));
  call = test.get(true);
  CHECK(test.provider->fetches == 3);
  test.provider->answer(sys::Error{"agent away"});
  CHECK(test.told.back() == "error: agent away");
  CHECK(test.at_hand() == "B");
}

TEST_CASE("credentials cache: a callback may end every Call and ask again") {
  Harness test;
  std::unique_ptr<Call> calls[3];
  int told = 0;
  for (std::unique_ptr<Call>& call : calls) {
    call = test.cache->get(false, [&](const sys::Result<Credentials>&) {
      ++told;
      for (std::unique_ptr<Call>& each : calls) each.reset();
      calls[0] = test.get();
    });
  }
  test.provider->answer(test.keys("A", std::nullopt));
  CHECK(told == 1);
  test.next_turn();
  CHECK(test.told == Told{"A"});
}

}  // namespace kite::aws
