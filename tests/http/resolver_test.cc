#include "http/resolver.h"

#include <doctest/doctest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "tests/http/probe.h"
#include "tests/support/dns_test_server.h"
#include "tests/support/fd_census.h"
#include "tests/support/http_test_server.h"
#include "tests/support/test_loop.h"

namespace kite::http {

using testing::DnsTestServer;
using testing::HttpTestServer;
using testing::TestLoop;

namespace {

Resolver::Options options_for(const DnsTestServer& server) {
  Resolver::Options options;
  options.servers = server.address();
  options.try_timeout = std::chrono::milliseconds(50);
  options.tries = 2;
  return options;
}

/// Asks one question and keeps the answer as text.
struct Asker {
  Asker(TestLoop& test_loop, Resolver& asked)
      : loop(test_loop), query(asked, Resolver::Query::OnAnswer::to<&Asker::on_answer>(this)) {}

  void on_answer(const Resolver::Answer& answer) {
    ++calls;
    failed = !answer.ok();
    std::string text;
    if (failed) text = answer.error().message;
    if (!failed) {
      for (const sys::Endpoint& address : *answer.operator->()) text += address.text() + " ";
    }
    result = text;
  }
  std::string ask(const std::string& name) {
    result.reset();
    query.start(name);
    CHECK_MESSAGE(!result.has_value(), "start() must not report by itself");
    REQUIRE(loop.run_until([this] { return result.has_value(); }));
    return *result;
  }

  TestLoop& loop;
  Resolver::Query query;
  std::optional<std::string> result;
  bool failed = false;
  int calls = 0;
};

}  // namespace

TEST_CASE("resolver: a name becomes all its addresses, of both families") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["both.test"] = {{"127.0.0.7", "127.0.0.8", "::1"}, 60};
  Resolver resolver(loop.reactor(), options_for(dns));
  Asker asker(loop, resolver);
  const std::string answer = asker.ask("both.test");
  CHECK(answer.find("127.0.0.7:0 ") != std::string::npos);
  CHECK(answer.find("127.0.0.8:0 ") != std::string::npos);
  CHECK(answer.find("[::1]:0 ") != std::string::npos);
}

TEST_CASE("resolver: an answer is kept for its TTL, within our bounds") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["kept.test"] = {{"127.0.0.1"}, 60};
  dns.records["brief.test"] = {{"127.0.0.1"}, 0};
  Resolver::Options options = options_for(dns);
  options.ttl_min = std::chrono::seconds(0);
  Resolver resolver(loop.reactor(), options);
  Asker asker(loop, resolver);
  for (int i = 0; i < 3; ++i) asker.ask("kept.test");
  CHECK(resolver.stats().lookups == 1);
  for (int i = 0; i < 3; ++i) asker.ask("brief.test");
  CHECK(resolver.stats().lookups == 4);

  options.ttl_min = std::chrono::seconds(5);
  Resolver bounded(loop.reactor(), options);
  Asker second(loop, bounded);
  for (int i = 0; i < 3; ++i) second.ask("brief.test");
  CHECK(bounded.stats().lookups == 1);
}

TEST_CASE("resolver: askers of one name share one lookup, and one may leave") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["shared.test"] = {{"127.0.0.1"}, 60};
  Resolver resolver(loop.reactor(), options_for(dns));
  Asker stays(loop, resolver);
  Asker leaves(loop, resolver);
  std::optional<Asker> dies(std::in_place, loop, resolver);
  stays.query.start("shared.test");
  leaves.query.start("shared.test");
  dies->query.start("shared.test");
  leaves.query.cancel();
  dies.reset();
  REQUIRE(loop.run_until([&] { return stays.result.has_value(); }));
  loop.settle();
  CHECK(*stays.result == "127.0.0.1:0 ");
  CHECK(leaves.calls == 0);
  CHECK(resolver.stats().lookups == 1);
}

TEST_CASE("resolver: a name that does not exist is an error, told at once and not kept") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  Resolver resolver(loop.reactor(), options_for(dns));
  Asker asker(loop, resolver);
  const std::string error = asker.ask("absent.test");
  CHECK(asker.failed);
  CHECK(error == "the name absent.test does not exist in DNS; check the region and the endpoint");
  dns.records["absent.test"] = {{"127.0.0.1"}, 60};
  CHECK(asker.ask("absent.test") == "127.0.0.1:0 ");
}

TEST_CASE("resolver: while the name server is silent, a known name keeps its addresses") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["known.test"] = {{"127.0.0.1"}, 0};
  Resolver::Options options = options_for(dns);
  options.ttl_min = std::chrono::seconds(0);
  options.failure_memory = std::chrono::seconds(0);
  Resolver resolver(loop.reactor(), options);
  Asker asker(loop, resolver);
  CHECK(asker.ask("known.test") == "127.0.0.1:0 ");
  dns.silent = true;
  CHECK(asker.ask("known.test") == "127.0.0.1:0 ");
  CHECK(resolver.stats().stale_answers == 1);
  CHECK(asker.ask("unknown.test").find("name servers") != std::string::npos);
  CHECK(asker.failed);
  dns.silent = false;
  dns.records["known.test"] = {{"127.0.0.2"}, 0};
  CHECK(asker.ask("known.test") == "127.0.0.2:0 ");  // on a channel opened anew
}

TEST_CASE("resolver: a late lookup makes nobody wait, goes on and renews the cache") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["known.test"] = {{"127.0.0.1"}, 0};
  Resolver::Options options = options_for(dns);
  options.try_timeout = std::chrono::milliseconds(400);
  options.ttl_min = std::chrono::seconds(0);
  options.stale_after = std::chrono::milliseconds(10);
  Resolver resolver(loop.reactor(), options);
  Asker asker(loop, resolver);
  CHECK(asker.ask("known.test") == "127.0.0.1:0 ");
  const auto first_try_is_lost = [&, seen = dns.questions()] {
    return dns.questions() == seen + 2;  // A and AAAA
  };
  const auto second_try_is_heard = [&, seen = dns.questions()] {
    return dns.questions() == seen + 4;
  };
  dns.silent = true;
  SUBCASE("its queries were answered with what was known") {
    CHECK(asker.ask("known.test") == "127.0.0.1:0 ");
    CHECK(asker.ask("known.test") == "127.0.0.1:0 ");  // joins late: nothing left to wait for
    CHECK(resolver.stats().stale_answers == 2);
  }
  SUBCASE("its query was cancelled") {
    asker.query.start("known.test");
    REQUIRE(loop.run_until(first_try_is_lost));
    asker.query.cancel();
  }
  CHECK(resolver.stats().lookups == 2);
  dns.silent = false;
  dns.records["known.test"] = {{"127.0.0.2"}, 60};
  REQUIRE(loop.run_until(second_try_is_heard));
  loop.settle();
  CHECK(asker.ask("known.test") == "127.0.0.2:0 ");
  CHECK(resolver.stats().lookups == 2);
  CHECK(resolver.stats().failures == 0);
}

TEST_CASE("resolver: after a lookup without answer the next one is not waited for") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["known.test"] = {{"127.0.0.1"}, 0};
  Resolver::Options options = options_for(dns);
  options.ttl_min = std::chrono::seconds(0);
  options.stale_after = std::chrono::seconds(3600);
  Resolver resolver(loop.reactor(), options);
  Asker asker(loop, resolver);
  asker.ask("known.test");
  dns.silent = true;
  CHECK(asker.ask("known.test") == "127.0.0.1:0 ");
  CHECK(resolver.stats().failures == 1);  // this one waited
  CHECK(asker.ask("known.test") == "127.0.0.1:0 ");
  CHECK(resolver.stats().lookups == 3);
  CHECK(resolver.stats().failures == 1);  // this one did not
  CHECK(resolver.stats().stale_answers == 2);

  REQUIRE(loop.run_until([&] { return resolver.stats().failures == 2; }));
  dns.silent = false;
  dns.records["known.test"] = {{"127.0.0.2"}, 0};
  const size_t heard = dns.questions();
  asker.ask("known.test");
  REQUIRE(loop.run_until([&] { return dns.questions() == heard + 2; }));
  loop.settle();
  dns.silent = true;
  CHECK(asker.ask("known.test") == "127.0.0.2:0 ");
  CHECK(resolver.stats().failures == 3);  // an answer in between: worth waiting again
}

TEST_CASE("resolver: addresses older than the bound are not given") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["known.test"] = {{"127.0.0.1"}, 0};
  Resolver::Options options = options_for(dns);
  options.ttl_min = std::chrono::seconds(0);
  options.stale_max = std::chrono::seconds(0);
  options.stale_after = std::chrono::milliseconds(0);
  Resolver resolver(loop.reactor(), options);
  Asker asker(loop, resolver);
  asker.ask("known.test");
  dns.silent = true;
  CHECK(asker.ask("known.test").find("name servers") != std::string::npos);
  CHECK(asker.failed);
  CHECK(resolver.stats().stale_answers == 0);
}

TEST_CASE("resolver: localhost is loopback whatever DNS says") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["localhost"] = {{"10.9.9.9"}, 60};
  Resolver resolver(loop.reactor(), options_for(dns));
  Asker asker(loop, resolver);
  for (const char* name : {"localhost", "LOCALHOST", "a.localhost", "localhost."}) {
    CHECK(asker.ask(name) == "127.0.0.1:0 [::1]:0 ");
  }
  CHECK(dns.questions() == 0);
}

TEST_CASE("resolver: names of the hosts file are found without DNS") {
  // The first IPv4 entry of this machine's hosts file that is not localhost; most have one.
  std::string address;
  std::string name;
  std::ifstream hosts("/etc/hosts");
  for (std::string line; name.empty() && std::getline(hosts, line);) {
    std::istringstream fields(line.substr(0, line.find('#')));
    if (!(fields >> address) || address.find('.') == std::string::npos) continue;
    for (std::string field; name.empty() && fields >> field;) {
      if (field.find("localhost") == std::string::npos) name = field;
    }
  }
  if (name.empty()) {
    MESSAGE("no entry besides localhost in /etc/hosts: nothing to look up");
    return;
  }
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  Resolver resolver(loop.reactor(), options_for(dns));
  Asker asker(loop, resolver);
  CHECK(asker.ask(name).find(address + ":0 ") != std::string::npos);
}

TEST_CASE("resolver: dies with lookups under way and leaves nothing behind") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.silent = true;
  {
    Resolver resolver(loop.reactor(), options_for(dns));
    Asker asker(loop, resolver);
    asker.query.start("slow.test");
    REQUIRE(loop.run_until([&] { return dns.questions() > 0; }));
  }
  loop.settle();  // the census of the loop counts descriptors at its end
}

TEST_CASE("curl client: requests to names need no second thread") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["api.kite.test"] = {{"127.0.0.1"}, 60};
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("named")}));
  CurlClient::Options options;
  options.resolver = options_for(dns);
  Probe probe(loop, options);
  const std::string port = std::to_string(server.port());
  REQUIRE(testing::count_threads() == 1);
  for (const std::string name : {"api.kite.test", "API.Kite.Test", "localhost", "api.kite.test."}) {
    CAPTURE(name);
    probe.start("http://" + name + ":" + port + "/");
    size_t threads_max = 0;
    REQUIRE(loop.run_until([&] {
      threads_max = std::max(threads_max, testing::count_threads());
      return probe.outcome.has_value();
    }));
    CHECK(threads_max == 1);
    REQUIRE_MESSAGE(probe.outcome->ok(), probe.outcome->error().message);
    CHECK(probe.outcome->value().body == "named");
  }
  const RequestError error = error_of(probe.get("http://absent.kite.test:" + port + "/"));
  CHECK(error.failure == Failure::resolve);
  CHECK(error.message.find("absent.kite.test") != std::string::npos);
  CHECK(testing::count_threads() == 1);
}

TEST_CASE("curl client: a deadline that passes during the lookup is a failure to resolve") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.silent = true;
  CurlClient::Options options;
  options.resolver = options_for(dns);
  options.resolver.try_timeout = std::chrono::milliseconds(5000);
  Probe probe(loop, options);
  Request request = Probe::request_for("http://slow.test/");
  request.timeout = std::chrono::milliseconds(60);
  const RequestError error = error_of(probe.get(request));
  CHECK(error.failure == Failure::resolve);
  CHECK(error.message == "no answer from slow.test:80 within 60 ms (still resolving the name)");
}

TEST_CASE("curl client: while DNS is silent an exchange of 3 s still reaches a known name") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["known.test"] = {{"127.0.0.1"}, 0};
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("reached")}));
  CurlClient::Options options;  // with the timeouts of the program
  options.resolver.servers = dns.address();
  options.resolver.ttl_min = std::chrono::seconds(0);
  Probe probe(loop, options);
  Probe other(loop, options);
  const std::string port = ":" + std::to_string(server.port()) + "/";
  Request known = Probe::request_for("http://known.test" + port);
  Request unknown = Probe::request_for("http://unknown.test" + port);
  known.timeout = unknown.timeout = std::chrono::seconds(3);
  REQUIRE(probe.get(known).ok());
  dns.silent = true;
  other.start(unknown);
  for (uint64_t call = 1; call <= 2; ++call) {
    const Outcome outcome = probe.get(known);
    REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
    CHECK(outcome.value().body == "reached");
    CHECK(probe.client.resolver_stats().stale_answers == call);
  }
  CHECK(probe.client.resolver_stats().failures == 0);  // c-ares has not given up yet
  REQUIRE(loop.run_until([&] { return other.outcome.has_value(); }));
  const RequestError error = error_of(*other.outcome);
  CHECK(error.failure == Failure::resolve);
  CHECK(error.message.find("name servers") != std::string::npos);  // c-ares was the first to end
}

TEST_CASE("curl client: when the first address of a name is dead the next one serves") {
  TestLoop loop;
  DnsTestServer dns(loop.reactor());
  dns.records["two.test"] = {{"127.0.0.1", "127.0.0.99"}, 60};
  dns.records["moved.test"] = {{"127.0.0.98"}, 0};
  HttpTestServer server(loop.reactor(), always({HttpTestServer::ok("{}")}), "127.0.0.1");
  CurlClient::Options options;
  options.resolver = options_for(dns);
  options.resolver.ttl_min = std::chrono::seconds(0);
  Probe probe(loop, options);
  const std::string port = std::to_string(server.port());
  CHECK(probe.get("http://two.test:" + port).ok());
  CHECK(error_of(probe.get("http://moved.test:" + port)).failure == Failure::connect);
  dns.records["moved.test"] = {{"127.0.0.1"}, 0};
  CHECK(probe.get("http://moved.test:" + port).ok());  // curl kept no older address
}

}  // namespace kite::http
